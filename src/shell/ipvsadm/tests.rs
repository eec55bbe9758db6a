//! Commands as they are typed, and what they say.

use super::*;
use crate::base::DevIdx;
use crate::base::rng::Seed;

/// A director with somebody at its keyboard.
struct Director {
    ipvs: Ipvs,
    sysctl: Sysctls,
    now: SimTime,
}

impl Director {
    fn new() -> Director {
        Director { ipvs: Ipvs::new(Seed(1).stream("ipvs")), sysctl: Sysctls::default(), now: SimTime::ZERO }
    }

    /// Runs `ipvsadm`, `ipvsadm-save` or `ipvsadm-restore` with this standard input.
    fn feed(&mut self, line: &str, stdin: &str) -> (u8, String) {
        let mut words = line.split_whitespace().map(str::to_string);
        let program = match words.next().as_deref() {
            Some("ipvsadm-save") => save_main,
            Some("ipvsadm-restore") => restore_main,
            _ => main,
        };
        let args: Vec<String> = words.collect();
        let mut out = Output::default();
        let iface = |name: &str| {
            let up = McastIf { dev: DevIdx(2), mtu: 9000, up: true, busy: vec![9000] };
            match name {
                "eth0" => Some(up),
                "eth1" => Some(McastIf { up: false, ..up }),
                _ => None,
            }
        };
        let mut acts = Vec::new();
        let status = program(&mut self.ipvs, &self.sysctl, self.now, &iface, &args, stdin, &mut out, &mut acts);
        (status, out.text())
    }

    fn run(&mut self, line: &str) -> (u8, String) {
        self.feed(line, "")
    }

    /// Runs lines that say nothing.
    fn quiet(&mut self, lines: &str) -> &mut Director {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            assert_eq!(self.run(&format!("ipvsadm {line}")), (0, String::new()), "{line}");
        }
        self
    }

    fn says(&mut self, line: &str) -> String {
        let (status, text) = self.run(line);
        assert_eq!(status, 0, "{line}: {text}");
        text
    }
}

const FIVE: &str = "
    -A -t 10.0.0.1:80 -s wrr
    -a -t 10.0.0.1:80 -r 10.1.0.2 -w 3
    -a -t 10.0.0.1:80 -r 10.1.0.1:8080 -m -x 9 -y 4
    -A -u 10.0.0.1:53 -p 60 -M 255.255.255.0 -o
    -A -f 7 -s sh -b sh-fallback,sh-port
    -a -f 7 -r 10.1.0.3 -i -w 0
";

#[test]
fn the_table_is_listed_sorted_with_flags_after_the_scheduler() {
    let mut d = Director::new();
    d.quiet(FIVE);
    let expected = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.0.0.1:80 wrr
  -> 10.1.0.1:8080                Masq    1      0          0         \n  \
  -> 10.1.0.2:80                  Route   3      0          0         \n\
UDP  10.0.0.1:53 wlc persistent 60 mask 255.255.255.0 ops
FWM  7 sh (sh-fallback,sh-port)
  -> 10.1.0.3:0                   Tunnel  0      0          0         \n";
    for line in ["-Ln", "-ln", "-L -n", "--list --numeric", "-nL -Ln", "-Ln --sort", "-Ln --exact"] {
        let (_, text) = d.run(&format!("ipvsadm {line}"));
        let expected = if line.starts_with("-n") { TRY_HELP } else { expected };
        assert_eq!(text, expected, "{line}");
    }
}

#[test]
fn columns_follow_the_options() {
    let mut d = Director::new();
    d.quiet(FIVE);
    let second_and_server = |d: &mut Director, options: &str| {
        let text = d.says(&format!("ipvsadm -Ln -t 10.0.0.1:80 {options}"));
        let lines: Vec<&str> = text.lines().collect();
        format!("{}|\n{}|\n{}|", lines[0], lines[2], lines[3])
    };
    for (options, expected) in [
        (
            "--stats",
            "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes|
TCP  10.0.0.1:80                         0        0        0        0        0|
  -> 10.1.0.1:8080                       0        0        0        0        0|",
        ),
        (
            "--rate",
            "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS|
TCP  10.0.0.1:80                         0        0        0        0        0|
  -> 10.1.0.1:8080                       0        0        0        0        0|",
        ),
        (
            "--thresholds",
            "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn |
TCP  10.0.0.1:80 wrr|
  -> 10.1.0.1:8080                9          4          0          0         |",
        ),
        (
            "--persistent-conn",
            "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn |
TCP  10.0.0.1:80 wrr|
  -> 10.1.0.1:8080                1         0           0          0         |",
        ),
        (
            "--tun-info",
            "Prot LocalAddress:Port Scheduler Flags|
TCP  10.0.0.1:80 wrr|
  -> 10.1.0.1:8080                Masq    n/a           1      0          0         |",
        ),
        (
            "--rate --stats --thresholds",
            "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes|
TCP  10.0.0.1:80                         0        0        0        0        0|
  -> 10.1.0.1:8080                       0        0        0        0        0|",
        ),
    ] {
        assert_eq!(second_and_server(&mut d, options), expected, "{options}");
    }
}

#[test]
fn other_lists() {
    let mut d = Director::new();
    d.quiet("--set 0 30 7");
    assert_eq!(d.says("ipvsadm -L --timeout"), "Timeout (tcp tcpfin udp): 900 30 7\n");
    assert_eq!(d.says("ipvsadm -L --daemon"), "");
    let titles = "pro expire state       source             virtual            destination";
    for line in ["-Lnc", "-lcn", "-L -c", "--list --connection --numeric"] {
        assert_eq!(d.says(&format!("ipvsadm {line}")), format!("IPVS connection entries\n{titles}\n"));
    }
    let text = d.says("ipvsadm -Lnc --persistent-conn");
    assert_eq!(text, format!("IPVS connection entries\n{titles}        pe name          pe_data\n"));
    assert_eq!(d.says("ipvsadm"), d.says("ipvsadm -L"));
}

#[test]
fn without_n_ports_have_names() {
    let mut d = Director::new();
    d.quiet("-A -t 10.0.0.1:http -s rr\n-a -t 10.0.0.1:www -r 127.0.0.1:https -m\n-A -u 10.0.0.1:80\n-A -f 3\n-a -f 3 -r 10.1.0.1:http -m");
    let text = d.says("ipvsadm -S");
    let expected = "\
-A -t 10.0.0.1:http -s rr
-a -t 10.0.0.1:http -r localhost:https -m -w 1
-A -u 10.0.0.1:80 -s wlc
-A -f 3 -s wlc
-a -f 3 -r 10.1.0.1:80 -m -w 1
";
    assert_eq!(text, expected);
}

#[test]
fn what_is_saved_can_be_restored_and_thresholds_are_lost() {
    let mut d = Director::new();
    d.quiet(FIVE);
    let saved = d.says("ipvsadm-save -n");
    let expected = "\
-A -t 10.0.0.1:80 -s wrr
-a -t 10.0.0.1:80 -r 10.1.0.1:8080 -m -w 1
-a -t 10.0.0.1:80 -r 10.1.0.2:80 -g -w 3
-A -u 10.0.0.1:53 -s wlc -p 60 -M 255.255.255.0 -o
-A -f 7 -s sh -b sh-fallback,sh-port
-a -f 7 -r 10.1.0.3:0 -i -w 0 --tun-type ipip
";
    assert_eq!(saved, expected);
    assert_eq!(d.run("ipvsadm -Sn").1, saved);
    let before = d.says("ipvsadm -Ln");
    assert_eq!(d.feed("ipvsadm-restore", &format!("# a comment\n{saved}")), (0, String::new()));
    assert_eq!(d.says("ipvsadm -Ln"), before);
    let (status, text) = d.feed("ipvsadm -R", &saved);
    assert_eq!(status, 255);
    assert_eq!(text.lines().filter(|line| *line == "Service already exists").count(), 3);
    assert_eq!(text.lines().filter(|line| *line == "Destination already exists").count(), 3);
    assert_eq!(d.run("ipvsadm-save -x").0, 1);
}

#[test]
fn a_restore_goes_on_after_a_refusal_and_ends_at_what_it_cannot_read() {
    let exists = "Service already exists\n";
    let add = "-A -t 10.0.0.1:80\n";
    for (lines, status, said, services) in [
        ("-A -t 10.0.0.1:80\n\n-A -t 10.0.0.1:81\n", 0, String::new(), 2),
        ("-A -t 10.0.0.1:80\n-A -t 10.0.0.1:80\n-A -t 10.0.0.1:81\n", 0, exists.to_string(), 2),
        ("-A -t 10.0.0.1:80\n-A -t 10.0.0.1:80\n", 255, exists.to_string(), 1),
        ("# comment\n-A -t 10.0.0.1:80\n", 255, TRY_HELP.to_string(), 0),
        ("-A -t 10.0.0.1:80 -q\n-A -t 10.0.0.1:81\n", 0, "-q: unknown option\n".to_string(), 1),
        ("-A -t 10.0.0.1\n-A -t 10.0.0.1:81\n", 2, "Zero port specified for non-persistent service\n".to_string(), 0),
        ("-R\n-A -t 10.0.0.1:81\n", 255, TRY_HELP.to_string(), 0),
        ("-h\n-A -t 10.0.0.1:81\n", 0, format!("{VERSION}{USAGE}"), 0),
    ] {
        let mut d = Director::new();
        assert_eq!(d.feed("ipvsadm --restore", lines), (status, said), "{lines}");
        assert_eq!(d.ipvs.services().count(), services, "{lines}");
    }
    assert_eq!(Director::new().feed("ipvsadm -A", add).0, 2);
}

#[test]
fn ipvsadm_refuses_what_makes_no_sense() {
    let mut d = Director::new();
    d.quiet("-A -t 10.0.0.1:80");
    for (line, status, said) in [
        ("-A -t 10.0.0.2:80 s rr", 2, "unexpected argument s"),
        ("x -A -t 10.0.0.2:80", 2, "unexpected argument x"),
        ("list", 255, TRY_HELP),
        ("-n", 255, TRY_HELP),
        ("-t 10.0.0.2:80 -A", 255, TRY_HELP),
        ("--start-daemon", 255, TRY_HELP),
        ("-A -t", 255, "-t: missing argument"),
        ("-At", 255, "-At: missing argument"),
        ("-A -t 10.0.0.2:80 --weigh 3", 255, "--weigh: unknown option"),
        ("-A --add-service", 2, "invalid option `--add-service'"),
        ("-LA", 2, "invalid option `-LA'"),
        ("-A -t 10.0.0.2", 2, "Zero port specified for non-persistent service"),
        ("-A -t 10.0.0.2:80 -o", 2, "One-Packet Scheduling is only for UDP virtual services"),
        ("-A -t 300.0.0.2:80", 2, "illegal virtual server address[:port] specified"),
        ("-A -t 80", 2, "illegal virtual server address[:port] specified"),
        ("-A -u 10.0.0.2:http", 2, "illegal virtual server address[:port] specified"),
        ("-A -f 0", 2, "invalid fwmark value `0' specified"),
        ("-A -f 4294967296", 2, "invalid fwmark value `4294967296' specified"),
        ("-A -f -1", 2, "invalid fwmark value `-1' specified"),
        ("-A -t 10.0.0.2:80 -p 0", 2, "invalid timeout value `0' specified"),
        ("-A -t 10.0.0.2:80 -p 2678401", 2, "invalid timeout value `2678401' specified"),
        ("-A -t 10.0.0.2:80 -p -M 24x", 2, "illegal virtual server persistent mask specified"),
        ("-A -t 10.0.0.2:80 -b sh-port", 2, "incompatible scheduler flag `sh-port'"),
        ("-A -t 10.0.0.2:80 -b sh-port -s sh", 2, "incompatible scheduler flag `sh-port'"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1:80x", 2, "illegal real server address[:port] specified"),
        ("-a -r 10.1.0.1:http -t 10.0.0.1:80", 2, "illegal real server address[:port] specified"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1 -w -1", 2, "illegal weight specified"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1 -w 2147483648", 2, "illegal weight specified"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1 -x many", 2, "illegal u_threshold specified"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1 -y -1", 2, "illegal l_threshold specified"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1 -g -m", 2, "multiple 'forwarding-method' options specified"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1 --tun-type ipip", 2, "Tunnel options conflict with forward method"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1 -i --tun-port 5", 2, "Illegal 'tun-port' option with the 'ipip' tunnel type"),
        ("--set 1 2", 2, "--set option requires 3 timeout values"),
        ("--set 1 2 3 4", 2, "unexpected argument 4"),
        ("--set 1 2 x", 2, "invalid timeout value `x' specified"),
        ("--set -1 2 3", 255, "-1: unknown option"),
        ("-L --timeout --persistent-conn", 2, "options conflicts in the list command"),
        ("-Lc --thresholds", 2, "options conflicts in the list command"),
        ("-L -6", 2, "-6 used before -f\n"),
        ("--start-daemon slave", 2, "illegal start-daemon parameter specified"),
        ("--start-daemon master --syncid 256", 2, "illegal syncid specified"),
        ("--stop-daemon master", 255, "No daemon is running"),
    ] {
        let line = format!("ipvsadm {line}");
        assert_eq!(
            d.run(&line),
            (status, format!("{}\n", said.strip_suffix('\n').filter(|_| said == TRY_HELP).unwrap_or(said))),
            "{line}"
        );
    }
    assert_eq!(d.says("ipvsadm -Sn"), "-A -t 10.0.0.1:80 -s wlc\n");
}

#[test]
fn what_lvsim_does_not_simulate_is_refused_by_name() {
    let mut d = Director::new();
    for line in [
        "-A -t [fe80::1]:80",
        "-A --sctp-service 10.0.0.1:80",
        "-A -f 1 -6",
        "-a -t 10.0.0.1:80 -r 10.1.0.1 -i --tun-type gue --tun-port 5000",
    ] {
        let (status, text) = d.run(&format!("ipvsadm {line}"));
        assert!(
            status == 2 && text.starts_with("lvsim: ipvsadm: ") && text.contains("not simulated"),
            "{line}: {text}"
        );
    }
    assert_eq!(d.ipvs.services().count(), 0);
}

#[test]
fn the_persistence_engine_is_listed_and_saved() {
    let mut d = Director::new();
    d.quiet("-A -u 10.0.0.1:5060 -s rr -p 60 -M 255.255.255.0 --pe sip");
    assert!(d.says("ipvsadm -Ln").contains("UDP  10.0.0.1:5060 rr persistent 60 mask 255.255.255.0 pe sip\n"));
    assert_eq!(d.says("ipvsadm -Sn"), "-A -u 10.0.0.1:5060 -s rr -p 60 -M 255.255.255.0 --pe sip\n");
}

#[test]
fn the_kernel_refuses_with_255_and_a_list_with_1() {
    let mut d = Director::new();
    d.quiet("-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.1.0.1");
    for (line, status, said) in [
        ("-A -t 10.0.0.1:80", 255, "Service already exists"),
        ("-A -t 10.0.0.1:81 -s nonesuch", 255, "Scheduler or persistence engine not found"),
        ("-A -t 10.0.0.1:81 -p --pe nonesuch", 255, "Scheduler or persistence engine not found"),
        ("-E -t 10.0.0.1:81", 255, "No such service"),
        ("-D -t 10.0.0.1:81", 255, "No such service"),
        ("-Z -t 10.0.0.1:81", 255, "No such service"),
        ("-L -t 10.0.0.1:81", 1, "No such service"),
        ("-a -t 10.0.0.1:81 -r 10.1.0.1", 255, "Service not defined"),
        ("-e -t 10.0.0.1:81 -r 10.1.0.1", 255, "Service not defined"),
        ("-d -t 10.0.0.1:81 -r 10.1.0.1", 255, "Service not defined"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1 -m", 255, "Destination already exists"),
        ("-e -t 10.0.0.1:80 -r 10.1.0.9", 255, "No such destination"),
        ("-d -t 10.0.0.1:80 -r 10.1.0.1:81", 255, "No such destination"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.2 -y 1", 255, "Numerical result out of range"),
        (
            "-a -t 10.0.0.1:80 -r 224.0.0.1",
            255,
            "Invalid operation.  Possibly wrong module version, address not unicast, ...",
        ),
    ] {
        assert_eq!(d.run(&format!("ipvsadm {line}")), (status, format!("{said}\n")), "{line}");
    }
}

#[test]
fn ports_of_servers_depend_on_the_method_and_on_what_was_named_before() {
    for (words, expected) in [
        ("-t 10.0.0.1:80 -r 10.1.0.1", "10.1.0.1:80 -g"),
        ("-t 10.0.0.1:80 -r 10.1.0.1:8080", "10.1.0.1:80 -g"),
        ("-t 10.0.0.1:80 -r 10.1.0.1:8080 -i", "10.1.0.1:80 -i"),
        ("-t 10.0.0.1:80 -r 10.1.0.1:8080 -m", "10.1.0.1:8080 -m"),
        ("-t 10.0.0.1:80 -r 10.1.0.1 -m", "10.1.0.1:80 -m"),
        ("-r 10.1.0.1 -t 10.0.0.1:80 -m", "10.1.0.1:0 -m"),
        ("-r 10.1.0.1 -t 10.0.0.1:80 -g", "10.1.0.1:80 -g"),
        ("-f 5 -r 10.1.0.1:8080 -g", "10.1.0.1:8080 -g"),
        ("-f 5 -r 10.1.0.1 -m", "10.1.0.1:0 -m"),
        ("-t 10.0.0.1:80 -r 10.1", "10.0.0.1:80 -g"),
    ] {
        let mut d = Director::new();
        d.quiet("-A -t 10.0.0.1:80\n-A -f 5");
        d.quiet(&format!("-a {words}"));
        let saved = d.says("ipvsadm -Sn");
        let server = saved.lines().find(|line| line.starts_with("-a")).expect("the server was added");
        assert_eq!(server.split_once("-r ").map(|s| s.1.split(" -w").next()), Some(Some(expected)), "{words}");
    }
}

#[test]
fn editing_replaces_everything_that_is_not_typed_by_defaults() {
    let mut d = Director::new();
    d.quiet("-A -t 10.0.0.1:80 -s sh -b sh-port -p 100 -M 255.0.0.0\n-a -t 10.0.0.1:80 -r 10.1.0.1 -m -w 7 -x 5");
    d.quiet("-e -t 10.0.0.1:80 -r 10.1.0.1\n-E -t 10.0.0.1:80 -p");
    assert_eq!(d.says("ipvsadm -Sn"), "-A -t 10.0.0.1:80 -s wlc -p 360\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1\n");
    assert!(d.says("ipvsadm -Ln --thresholds").contains("10.1.0.1:80                  0          0 "));
}

#[test]
fn long_short_and_combined_options_mean_the_same() {
    for lines in [
        "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1 -g -w 2",
        "-At 10.0.0.1:80 -srr\n-at 10.0.0.1:80 -gr 10.1.0.1 -w2",
        "-A -s rr -t10.0.0.1:80\n-a -w=2 -g -r10.1.0.1 -t10.0.0.1:80",
        "--add-service --tcp-service 10.0.0.1:80 --scheduler rr\n--add-server --tcp-service=10.0.0.1:80 --real-server=10.1.0.1 --gatewaying --weight=2",
    ] {
        let mut d = Director::new();
        d.quiet(lines);
        assert_eq!(
            d.says("ipvsadm -Sn"),
            "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 2\n",
            "{lines}"
        );
        d.quiet("-dt 10.0.0.1:80 -r10.1.0.1\n-Zt 10.0.0.1:80\n-Z\n-Dt 10.0.0.1:80\n-C\n--clear");
        assert_eq!(d.says("ipvsadm -Sn"), "");
    }
}

#[test]
fn without_sorting_the_newest_server_is_first() {
    let mut d = Director::new();
    d.quiet("-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.1.0.1\n-a -t 10.0.0.1:80 -r 10.1.0.2");
    let text = d.says("ipvsadm -Ln --nosort");
    let place = |server: &str| text.find(server).expect("it is listed");
    assert!(place("10.1.0.2:80") < place("10.1.0.1:80"));
}

#[test]
fn no_command_line_makes_it_panic() {
    let pieces =
        ["-A", "-t", "", "-", "--", "10.0.0.1:80", "-p", "-L", "--set", "é", "-é", "-b", ",", "[", "-Lnc", "-M", "="];
    let mut random = Seed(7).stream("lines");
    let mut d = Director::new();
    for _ in 0..20_000 {
        let args: Vec<String> =
            (0..random.below(6)).map(|_| pieces[random.below(pieces.len() as u64) as usize].to_string()).collect();
        let mut out = Output::default();
        main(&mut d.ipvs, &d.sysctl, d.now, &|_| None, &args, "é\n-A -t\n", &mut out, &mut Vec::new());
    }
}

#[test]
fn a_daemon_is_started_listed_and_stopped() {
    let mut d = Director::new();
    d.quiet("--start-daemon master");
    d.quiet("--start-daemon backup --mcast-interface eth0 --syncid 7 --sync-maxlen 100 --mcast-group 239.1.2.3 --mcast-port 9001 --mcast-ttl 5");
    let expected = "\
master sync daemon (mcast=eth0, syncid=0, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)
backup sync daemon (mcast=eth0, syncid=7, maxlen=1024, group=239.1.2.3, port=9001, ttl=5)
";
    assert_eq!(d.says("ipvsadm -L --daemon"), expected);
    assert_eq!(d.run("ipvsadm --start-daemon master"), (255, "Daemon has already run\n".into()));
    d.quiet("--stop-daemon master");
    assert_eq!(d.run("ipvsadm --stop-daemon master"), (255, "No daemon is running\n".into()));
    d.quiet("--stop-daemon backup\n--start-daemon backup");
    // The interface's MTU is 9000.
    assert!(d.says("ipvsadm -L --daemon").contains("syncid=0, maxlen=8972, group=224.0.0.81"));
}

#[test]
fn a_daemon_needs_an_interface_that_leads_somewhere() {
    let mut d = Director::new();
    for (line, says) in [
        ("--start-daemon master --mcast-interface eth7", "No such device\n"),
        ("--start-daemon master --mcast-interface eth1", "Network is unreachable\n"),
        ("--start-daemon backup --mcast-port 9000", "Address already in use\n"),
    ] {
        assert_eq!(d.run(&format!("ipvsadm {line}")), (255, says.into()), "{line}");
    }
    assert_eq!(d.says("ipvsadm -L --daemon"), "");
    // A backup only listens.
    d.quiet("--start-daemon backup --mcast-interface eth1");
}
