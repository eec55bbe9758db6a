//! What iptables 1.8.9 made of rules that look at packets, rates and connections: typed, saved, shown.

use super::super::run;
use crate::net::netfilter::Netfilter;
use crate::shell::output::Output;

fn typed(nf: &mut Netfilter, line: &str) -> (u8, String) {
    let words: Vec<String> = line.split_whitespace().map(str::to_string).collect();
    let mut out = Output::new();
    (run(nf, &words, &mut out), out.text())
}

#[test]
fn rules_are_saved_and_shown_as_the_program_does() {
    for (place, rule, saved, shown) in [
        (
            "filter INPUT",
            "-m limit --limit 3/min -j ACCEPT",
            "-m limit --limit 3/min -j ACCEPT",
            "limit: avg 3/min burst 5",
        ),
        ("filter INPUT", "-m limit -j ACCEPT", "-m limit --limit 3/hour -j ACCEPT", "limit: avg 3/hour burst 5"),
        (
            "filter INPUT",
            "-m limit --limit 10/s --limit-burst 20",
            "-m limit --limit 10/sec --limit-burst 20",
            "limit: avg 10/sec burst 20",
        ),
        ("filter INPUT", "-m limit --limit 7/hour", "-m limit --limit 7/hour", "limit: avg 7/hour burst 5"),
        ("filter INPUT", "-m limit --limit 333/second", "-m limit --limit 333/sec", "limit: avg 333/sec burst 5"),
        (
            "filter INPUT",
            "-m mac --mac-source 02:00:00:00:00:01 -j DROP",
            "-m mac --mac-source 02:00:00:00:00:01 -j DROP",
            "MAC 02:00:00:00:00:01",
        ),
        (
            "filter INPUT",
            "-m mac ! --mac-source 02:0:0:0:0:A -j DROP",
            "-m mac ! --mac-source 02:00:00:00:00:0a -j DROP",
            "MAC ! 02:00:00:00:00:0a",
        ),
        (
            "filter FORWARD",
            "-m mac --mac-source 02:00:00:00:00:01",
            "-m mac --mac-source 02:00:00:00:00:01",
            "MAC 02:00:00:00:00:01",
        ),
        (
            "filter INPUT",
            "-m iprange --src-range 10.0.0.1-10.0.0.9",
            "-m iprange --src-range 10.0.0.1-10.0.0.9",
            "source IP range 10.0.0.1-10.0.0.9",
        ),
        (
            "filter INPUT",
            "-m iprange ! --dst-range 10.0.0.1-10.0.0.9 --src-range 1.1.1.1",
            "-m iprange --src-range 1.1.1.1-1.1.1.1 ! --dst-range 10.0.0.1-10.0.0.9",
            "source IP range 1.1.1.1-1.1.1.1 destination IP range ! 10.0.0.1-10.0.0.9",
        ),
        (
            "filter INPUT",
            "-m addrtype --dst-type LOCAL",
            "-m addrtype --dst-type LOCAL",
            "ADDRTYPE match dst-type LOCAL",
        ),
        (
            "filter INPUT",
            "-m addrtype ! --src-type local,broadcast --dst-type MULTICAST",
            "-m addrtype ! --src-type LOCAL,BROADCAST --dst-type MULTICAST",
            "ADDRTYPE match src-type !LOCAL,BROADCAST dst-type MULTICAST",
        ),
        (
            "filter INPUT",
            "-m addrtype --dst-type LOCAL --limit-iface-in",
            "-m addrtype --dst-type LOCAL --limit-iface-in",
            "ADDRTYPE match dst-type LOCAL limit-in",
        ),
        (
            "filter OUTPUT",
            "-m addrtype --dst-type LOCAL --limit-iface-out",
            "-m addrtype --dst-type LOCAL --limit-iface-out",
            "ADDRTYPE match dst-type LOCAL limit-out",
        ),
        (
            "filter INPUT",
            "-m statistic --mode random --probability 0.5",
            "-m statistic --mode random --probability 0.50000000000",
            "statistic mode random probability 0.50000000000",
        ),
        (
            "filter INPUT",
            "-m statistic --mode random --probability 0.33",
            "-m statistic --mode random --probability 0.33000000007",
            "statistic mode random probability 0.33000000007",
        ),
        (
            "filter INPUT",
            "-m statistic --mode random ! --probability 0.1",
            "-m statistic --mode random ! --probability 0.10000000009",
            "statistic mode random ! probability 0.10000000009",
        ),
        (
            "filter INPUT",
            "-m statistic --mode nth --every 3 --packet 0",
            "-m statistic --mode nth --every 3 --packet 0",
            "statistic mode nth every 3",
        ),
        (
            "filter INPUT",
            "-m statistic --mode nth --every 3 --packet 2",
            "-m statistic --mode nth --every 3 --packet 2",
            "statistic mode nth every 3 packet 2",
        ),
        (
            "filter INPUT",
            "-m statistic --mode nth ! --every 3 --packet 2",
            "-m statistic --mode nth ! --every 3 --packet 2",
            "statistic mode nth ! every 3 packet 2",
        ),
        ("filter INPUT", "-m length --length 100", "-m length --length 100", "length 100"),
        ("filter INPUT", "-m length --length 100:200", "-m length --length 100:200", "length 100:200"),
        ("filter INPUT", "-m length --length :200", "-m length --length 0:200", "length 0:200"),
        ("filter INPUT", "-m length --length 100:", "-m length --length 100:65535", "length 100:65535"),
        ("filter INPUT", "-m length ! --length 100", "-m length ! --length 100", "length !100"),
        ("filter INPUT", "-m length --length 200:100", "-m length --length 200:100", "length 200:100"),
        ("filter INPUT", "-m ttl --ttl-eq 64", "-m ttl --ttl-eq 64", "TTL match TTL == 64"),
        ("filter INPUT", "-m ttl --ttl 64", "-m ttl --ttl-eq 64", "TTL match TTL == 64"),
        ("filter INPUT", "-m ttl ! --ttl-eq 64", "-m ttl ! --ttl-eq 64", "TTL match TTL != 64"),
        ("filter INPUT", "-m ttl --ttl-lt 64", "-m ttl --ttl-lt 64", "TTL match TTL < 64"),
        ("filter INPUT", "-m ttl --ttl-gt 64", "-m ttl --ttl-gt 64", "TTL match TTL > 64"),
        ("filter INPUT", "-m tos --tos 0x10", "-m tos --tos 0x10/0xff", "tos match0x10/0xff"),
        ("filter INPUT", "-m tos --tos 0x10/0x3f", "-m tos --tos 0x10/0x3f", "tos match0x10/0x3f"),
        ("filter INPUT", "-m tos --tos Minimize-Delay", "-m tos --tos 0x10/0x3f", "tos match0x10/0x3f"),
        ("filter INPUT", "-m dscp --dscp 0x2e", "-m dscp --dscp 0x2e", "DSCP match 0x2e"),
        ("filter INPUT", "-m dscp --dscp 46", "-m dscp --dscp 0x2e", "DSCP match 0x2e"),
        ("filter INPUT", "-m dscp ! --dscp 8", "-m dscp ! --dscp 0x08", "DSCP match !0x08"),
        ("filter INPUT", "-m dscp --dscp-class EF", "-m dscp --dscp 0x2e", "DSCP match 0x2e"),
        ("filter INPUT", "-m dscp --dscp-class af11", "-m dscp --dscp 0x0a", "DSCP match 0x0a"),
        ("filter INPUT", "-m connmark --mark 5", "-m connmark --mark 0x5", "connmark match  0x5"),
        ("filter INPUT", "-m connmark ! --mark 0x5/0xff", "-m connmark ! --mark 0x5/0xff", "connmark match ! 0x5/0xff"),
        (
            "filter INPUT",
            "-p tcp --tcp-flags SYN,ACK SYN",
            "-p tcp -m tcp --tcp-flags SYN,ACK SYN",
            "tcp flags:0x12/0x02",
        ),
        ("filter INPUT", "-j LOG", "-j LOG", "LOG flags 0 level 4"),
        (
            "filter INPUT",
            "-j LOG --log-prefix x --log-level 7",
            "-j LOG --log-prefix x --log-level 7",
            "LOG flags 0 level 7 prefix \"x\"",
        ),
        (
            "filter INPUT",
            "-j LOG --log-level debug --log-ip-options --log-tcp-options --log-tcp-sequence",
            "-j LOG --log-level 7 --log-tcp-sequence --log-tcp-options --log-ip-options",
            "LOG flags 7 level 7",
        ),
        ("filter INPUT", "-j LOG --log-level 4", "-j LOG", "LOG flags 0 level 4"),
        ("filter INPUT", "-j LOG --log-level error", "-j LOG --log-level 3", "LOG flags 0 level 3"),
        ("filter INPUT", "-j LOG --log-macdecode", "-j LOG --log-macdecode", "LOG flags 32 level 4"),
        (
            "mangle FORWARD",
            "-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
            "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
            "tcp flags:0x06/0x02 TCPMSS clamp to PMTU",
        ),
        (
            "mangle FORWARD",
            "-p tcp --syn -j TCPMSS --set-mss 1400",
            "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1400",
            "tcp flags:0x17/0x02 TCPMSS set 1400",
        ),
        (
            "filter FORWARD",
            "-p tcp --syn -j TCPMSS --set-mss 1400",
            "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1400",
            "tcp flags:0x17/0x02 TCPMSS set 1400",
        ),
        (
            "mangle FORWARD",
            "-p tcp --syn -j TCPMSS --set-mss 1400 --clamp-mss-to-pmtu",
            "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --clamp-mss-to-pmtu",
            "tcp flags:0x17/0x02 TCPMSS clamp to PMTU",
        ),
        ("mangle PREROUTING", "-j CONNMARK --set-mark 5", "-j CONNMARK --set-xmark 0x5/0xffffffff", "CONNMARK set 0x5"),
        (
            "mangle PREROUTING",
            "-j CONNMARK --set-xmark 5/0xff",
            "-j CONNMARK --set-xmark 0x5/0xff",
            "CONNMARK xset 0x5/0xff",
        ),
        (
            "mangle PREROUTING",
            "-j CONNMARK --save-mark",
            "-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff",
            "CONNMARK save",
        ),
        (
            "mangle PREROUTING",
            "-j CONNMARK --restore-mark",
            "-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff",
            "CONNMARK restore",
        ),
        (
            "mangle PREROUTING",
            "-j CONNMARK --restore-mark --mask 0xff",
            "-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff",
            "CONNMARK restore mask 0xff",
        ),
        (
            "mangle PREROUTING",
            "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf0",
            "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf0",
            "CONNMARK save nfmask 0xff ctmask ~0xf0",
        ),
        ("mangle PREROUTING", "-j CONNMARK --and-mark 5", "-j CONNMARK --set-xmark 0x0/0xfffffffa", "CONNMARK and 0x5"),
        ("mangle PREROUTING", "-j CONNMARK --or-mark 5", "-j CONNMARK --set-xmark 0x5/0x5", "CONNMARK or 0x5"),
        ("mangle PREROUTING", "-j CONNMARK --xor-mark 5", "-j CONNMARK --set-xmark 0x5/0x0", "CONNMARK xor 0x5"),
        (
            "mangle PREROUTING",
            "-j CONNMARK --set-mark 1 --mask 2",
            "-j CONNMARK --set-xmark 0x1/0x2",
            "CONNMARK xset 0x1/0x2",
        ),
        ("filter INPUT", "-j CONNMARK --set-mark 1", "-j CONNMARK --set-xmark 0x1/0xffffffff", "CONNMARK set 0x1"),
        ("mangle PREROUTING", "-j TTL --ttl-set 64", "-j TTL --ttl-set 64", "TTL set to 64"),
        ("mangle PREROUTING", "-j TTL --ttl-inc 1", "-j TTL --ttl-inc 1", "TTL increment by 1"),
        ("mangle PREROUTING", "-j TTL --ttl-dec 1", "-j TTL --ttl-dec 1", "TTL decrement by 1"),
        ("mangle PREROUTING", "-j TOS --set-tos 0x10", "-j TOS --set-tos 0x10/0xff", "TOS set 0x10/0xff"),
        ("mangle PREROUTING", "-j TOS --set-tos Minimize-Delay", "-j TOS --set-tos 0x10/0x3f", "TOS set 0x10/0x3f"),
        ("mangle PREROUTING", "-j TOS --or-tos 1", "-j TOS --set-tos 0x01/0x01", "TOS set 0x01/0x01"),
        ("mangle PREROUTING", "-j TOS --and-tos 1", "-j TOS --set-tos 0x00/0xfe", "TOS set 0x00/0xfe"),
        ("mangle PREROUTING", "-j TOS --xor-tos 1", "-j TOS --set-tos 0x01/0x00", "TOS set 0x01/0x00"),
        ("mangle PREROUTING", "-j DSCP --set-dscp 10", "-j DSCP --set-dscp 0x0a", "DSCP set 0x0a"),
        ("mangle PREROUTING", "-j DSCP --set-dscp-class EF", "-j DSCP --set-dscp 0x2e", "DSCP set 0x2e"),
        ("raw PREROUTING", "-j NOTRACK", "-j NOTRACK", "NOTRACK"),
        ("raw PREROUTING", "-j CT --notrack", "-j CT --notrack", "CT notrack"),
    ] {
        let mut nf = Netfilter::default();
        let (table, chain) = place.split_once(' ').unwrap_or_default();
        assert_eq!(typed(&mut nf, &format!("-t {table} -A {chain} {rule}")), (0, String::new()), "{rule}");
        let (_, text) = typed(&mut nf, &format!("-t {table} -S {chain} 1"));
        assert_eq!(text, format!("-A {chain} {saved}\n"), "{rule}");
        let (_, text) = typed(&mut nf, &format!("-t {table} -nL {chain}"));
        let line = text.lines().nth(2).unwrap_or("").trim_end();
        assert!(line.ends_with(&format!("0.0.0.0/0            {shown}")), "{rule}: {line}");
        let again = format!("-t {table} -A {chain} {saved}");
        assert_eq!(typed(&mut nf, &again).0, 0, "what was saved can be typed: {saved}");
    }
}

#[test]
fn mistakes_are_told_in_the_programs_words() {
    let hint = "\nTry `iptables -h' or 'iptables --help' for more information.\n";
    for (rule, text) in [
        ("-A INPUT -m limit --limit 0/s", "bad rate \"0/s\"'"),
        ("-A INPUT -m limit --limit 20000/s", "Rate too fast \"20000/s\""),
        ("-A INPUT -m limit ! --limit 5/s", "limit: option \"--limit\" cannot be inverted.\n"),
        (
            "-A INPUT -m limit --limit-burst 20000",
            "limit: bad value for option \"--limit-burst\", or out of range (0-10000).\n",
        ),
        ("-A INPUT -m mac --mac-source foo", "Invalid MAC address specified."),
        ("-A INPUT -m iprange", "iprange match: You must specify `--src-range' or `--dst-range'"),
        ("-A INPUT -m addrtype --dst-type FOO", "addrtype: bad type \"FOO\""),
        ("-A INPUT -m addrtype", "addrtype: you must specify --src-type or --dst-type"),
        (
            "-A INPUT -m statistic --mode random --probability 1.5",
            "statistic: bad value for option \"--probability\", or out of range (0-1).\n",
        ),
        ("-A INPUT -m statistic --mode nth --every 3", "statistic: option \"--every\" also requires \"--packet\".\n"),
        ("-A INPUT -m statistic --mode nth --every 3 --packet 3", "the --packet p must be 0 <= p <= n-1"),
        ("-A INPUT -m statistic --mode nth --packet 1", "the --packet p must be 0 <= p <= n-1"),
        ("-A INPUT -m statistic --mode nth", "--every and --packet must be specified when using nth mode"),
        ("-A INPUT -m statistic --mode foo", "Bad mode \"foo\""),
        (
            "-A INPUT -m length --length 70000",
            "length: bad value for option \"--length\" near \"70000\", or out of range (0-65535).\n",
        ),
        (
            "-A INPUT -m ttl --ttl-gt 64 --ttl-lt 3",
            "ttl: option \"--ttl-lt\" cannot be used together with \"--ttl-gt\".\n",
        ),
        ("-A INPUT -m ttl --ttl-eq 300", "ttl: bad value for option \"--ttl-eq\", or out of range (0-255).\n"),
        ("-A INPUT -m ttl", "TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt"),
        ("-A INPUT -m tos --tos min", "Symbolic name \"min\" is unknown"),
        ("-A INPUT -m tos --tos 0x100", "Symbolic name \"0x100\" is unknown"),
        ("-A INPUT -m dscp --dscp-class foo", "Invalid DSCP value `foo'"),
        ("-A INPUT -m dscp", "DSCP match: Parameter --dscp is required"),
        ("-A INPUT -p tcp --tcp-flags SYN", "--tcp-flags requires two args."),
        ("-A INPUT -j LOG --log-level warn", "log level \"warn\" unknown\n"),
        ("-t mangle -A FORWARD -p tcp --syn -j TCPMSS", "TCPMSS target: At least one parameter is required"),
        (
            "-t mangle -A FORWARD -p tcp --syn -j TCPMSS --set-mss 70000",
            "TCPMSS: bad value for option \"--set-mss\", or out of range (0-65515).\n",
        ),
        ("-t mangle -A PREROUTING -j CONNMARK", "CONNMARK target: No operation specified"),
        (
            "-t mangle -A PREROUTING -j CONNMARK --set-mark 1 --save-mark",
            "CONNMARK: option \"--set-mark\" cannot be used together with \"--save-mark\".\n",
        ),
        (
            "-t mangle -A PREROUTING -j TTL --ttl-dec 0",
            "TTL: bad value for option \"--ttl-dec\", or out of range (1-255).\n",
        ),
        ("-t mangle -A PREROUTING -j TTL", "TTL: You must specify an action"),
        ("-t mangle -A PREROUTING -j TOS", "TOS: An action is required"),
        ("-t mangle -A PREROUTING -j DSCP", "DSCP target: Parameter --set-dscp is required"),
        ("-A INPUT -m statistic --mode nth --packet 0", "statistic: option \"--packet\" also requires \"--every\".\n"),
        ("-A INPUT -m tos --tos 1/0x100", "Illegal value: \"1/0x100\""),
    ] {
        let want = format!("iptables v1.8.9 (legacy): {text}{hint}");
        assert_eq!(typed(&mut Netfilter::default(), rule), (2, want), "{rule}");
    }
}
