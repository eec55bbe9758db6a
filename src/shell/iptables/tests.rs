//! What iptables 1.8.9 printed, line for line.

use super::*;
use crate::net::netfilter::TableId;

/// Types lines; what they print together, with `[n]` for a status that is not 0.
fn typed(nf: &mut Netfilter, lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let mut out = Output::new();
        let words: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let status = run(nf, &words, &mut out);
        text += &out.text();
        if status != 0 {
            text += &format!("[{status}]\n");
        }
    }
    text
}

fn fresh(lines: &[&str]) -> String {
    typed(&mut Netfilter::default(), lines)
}

#[test]
fn rules_are_listed_for_people() {
    let lines = [
        "-A INPUT -s 10.0.0.5/24 -p tcp --dport 80 -j DROP",
        "-A INPUT ! -s 10.0.0.5 -p udp --sport 1:1024 ! --dport 53 -j ACCEPT",
        "-A INPUT -p tcp --syn -m state --state NEW,ESTABLISHED -i eth0 -j REJECT",
        "-A INPUT -p icmp ! --icmp-type 3/4",
        "-L INPUT -n",
    ];
    let want = "\
Chain INPUT (policy ACCEPT)
target     prot opt source               destination         
DROP       6    --  10.0.0.0/24          0.0.0.0/0            tcp dpt:80
ACCEPT     17   -- !10.0.0.5             0.0.0.0/0            udp spts:1:1024 dpt:!53
REJECT     6    --  0.0.0.0/0            0.0.0.0/0            tcp flags:0x17/0x02 state NEW,ESTABLISHED reject-with icmp-port-unreachable
           1    --  0.0.0.0/0            0.0.0.0/0            icmp !type 3 code 4
";
    assert_eq!(fresh(&lines), want);
}

#[test]
fn without_n_ports_and_protocols_have_names_and_with_v_there_are_counters_and_devices() {
    let lines = [
        "-c 123456 123456789 -A FORWARD -d 10.0.0.0/255.0.255.0 ! -p 112 -i eth+ -j LOG --log-level info",
        "-A FORWARD -p tcp -m multiport --dports 80,443,8000:8080 ! -o eth1",
        "-L FORWARD -v",
    ];
    let want = "\
Chain FORWARD (policy ACCEPT 0 packets, 0 bytes)
 pkts bytes target     prot opt in     out     source               destination         
 123K  123M LOG       !vrrp --  eth+   any     anywhere             10.0.0.0/255.0.255.0  LOG level info
    0     0            tcp  --  any    !eth1   anywhere             anywhere             multiport dports http,https,8000:http-alt
";
    assert_eq!(fresh(&lines), want);
}

#[test]
fn rules_are_saved_as_they_could_be_typed() {
    let lines = [
        "-t mangle -A PREROUTING -d 192.168.1.200 -p tcp --dport 80 -j MARK --set-mark 8",
        "-t mangle -A PREROUTING -j MARK --and-mark 3",
        "-t mangle -S PREROUTING",
        "-t nat -A POSTROUTING -s 192.168.10.0/24 -o eth0 -j MASQUERADE",
        "-t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to 10.0.0.1:8080",
        "-t nat -S POSTROUTING",
        "-t nat -S PREROUTING 1",
    ];
    let want = "\
-P PREROUTING ACCEPT
-A PREROUTING -d 192.168.1.200/32 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x8/0xffffffff
-A PREROUTING -j MARK --set-xmark 0x0/0xfffffffc
-P POSTROUTING ACCEPT
-A POSTROUTING -s 192.168.10.0/24 -o eth0 -j MASQUERADE
-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.1:8080
";
    assert_eq!(fresh(&lines), want);
}

#[test]
fn chains_are_made_called_and_deleted_in_order() {
    let lines = [
        "-N FOO",
        "-N FOO",
        "-A INPUT -j FOO",
        "-A FOO -j DROP",
        "-X FOO",
        "-D INPUT 1",
        "-X FOO",
        "-F FOO",
        "-X FOO",
        "-X INPUT",
        "-L FOO",
        "-A INPUT -j FOO",
    ];
    let want = "\
iptables: Chain already exists.
[1]
iptables: Too many links.
[1]
iptables: Directory not empty.
[1]
iptables: Invalid argument. Run `dmesg' for more information.
[1]
iptables: No chain/target/match by that name.
[1]
iptables v1.8.9 (legacy): Couldn't load target `FOO':No such file or directory

Try `iptables -h' or 'iptables --help' for more information.
[2]
";
    assert_eq!(fresh(&lines), want);
}

#[test]
fn mistakes_are_told_in_the_programs_words() {
    let hint = "\nTry `iptables -h' or 'iptables --help' for more information.\n[2]\n";
    let table = [
        ("", "no command specified"),
        ("-A INPUT -p foo", "unknown protocol \"foo\" specified"),
        ("-A INPUT --dport 80", "unknown option \"--dport\""),
        ("-A INPUT -p tcp --dport x", "invalid port/service `x' specified"),
        ("-A INPUT -s 1.2.3.400", "host/network `1.2.3.400' not found"),
        ("-A INPUT -o eth0", "Can't use -o with INPUT\n"),
        ("-A INPUT -j MARK", "MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required"),
        ("-A INPUT -m state --state FOO", "Bad state \"FOO\""),
        ("-D INPUT 0", "Invalid rule number `0'"),
        ("-A INPUT -A OUTPUT", "Cannot use -A with -A"),
        ("-A INPUT -j DROP -j ACCEPT", "multiple -j flags not allowed"),
        ("-A INPUT -n -j DROP", "Illegal option `-n' with this command"),
        ("-A INPUT !", "nothing appropriate following !"),
        ("-P INPUT", "-P requires a chain and a policy"),
    ];
    for (line, text) in table {
        assert_eq!(fresh(&[line]), format!("iptables v1.8.9 (legacy): {text}{hint}"), "{line}");
    }
    assert_eq!(fresh(&["-L INPUT -t nope"]).lines().last(), Some("[3]"));
    assert_eq!(fresh(&["-A INPUT -m recent"]), "lvsim: iptables: `-m recent` is not modelled\n[1]\n");
}

#[test]
fn the_kernel_refuses_targets_where_they_may_not_stand() {
    let invalid = "iptables: Invalid argument. Run `dmesg' for more information.\n[1]\n";
    for line in [
        "-A INPUT -j MASQUERADE",
        "-t nat -A PREROUTING -j SNAT --to 1.2.3.4",
        "-t mangle -A PREROUTING -j REJECT",
        "-A INPUT -j REJECT --reject-with tcp-reset",
        "-A INPUT -m tcp --dport 80",
    ] {
        assert_eq!(fresh(&[line]), invalid, "{line}");
    }
}

#[test]
fn a_change_forgets_what_the_policies_counted_and_keeps_what_the_rules_did() {
    let mut nf = Netfilter::default();
    typed(&mut nf, &["-P INPUT DROP -c 5 6", "-A OUTPUT -c 1 2 -j ACCEPT"]);
    let text = typed(&mut nf, &["-S INPUT -v", "-S OUTPUT 1 -v"]);
    assert_eq!(text, "-P INPUT DROP -c 0 0\n-A OUTPUT -c 1 2 -j ACCEPT\n");
}

#[test]
fn connections_are_tracked_only_while_a_rule_needs_it() {
    let mut nf = Netfilter::default();
    assert!(!nf.active());
    typed(&mut nf, &["-L"]);
    assert!(nf.active() && !nf.tracking());
    typed(&mut nf, &["-A INPUT -m state --state NEW -j ACCEPT"]);
    assert!(nf.tracking());
    typed(&mut nf, &["-F"]);
    assert!(!nf.tracking());
    typed(&mut nf, &["-t nat -L"]);
    assert_eq!(nf.loaded().map(|t| t.id).collect::<Vec<_>>(), [TableId::Nat, TableId::Filter]);
}
