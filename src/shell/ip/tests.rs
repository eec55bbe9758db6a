//! What `ip` prints, as text.

use super::main;
use crate::base::{Seed, SimTime};
use crate::net::Inet;
use crate::shell::Output;
use crate::wire::Mac;

fn host() -> Inet {
    let mut net = Inet::new(Seed(1).stream("neigh"));
    let eth0 = net.add_ethernet("eth0".into(), Mac([2, 0, 0, 0, 0, 1]), 1500);
    net.link_up(eth0);
    net
}

fn run(net: &mut Inet, line: &str) -> (u8, String) {
    let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
    let mut out = Output::default();
    let rc = main(net, SimTime::ZERO, &args, &mut out);
    (rc, out.text())
}

/// Lines that must succeed silently.
fn setup(lines: &[&str]) -> Inet {
    let mut net = host();
    for line in lines {
        assert_eq!(run(&mut net, line), (0, String::new()), "{line}");
    }
    net
}

#[test]
fn addresses_are_printed_with_their_device() {
    let mut net = setup(&[
        "addr add 10.0.0.1/24 dev eth0",
        "a a 10.0.0.9/32 dev eth0 label eth0:1",
        "addr add 10.0.3.8/24 dev eth0 scope link",
        "addr add 10.0.0.2/24 brd + dev eth0",
    ]);
    assert_eq!(
        run(&mut net, "a s eth0").1,
        "3: eth0@if4: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff link-netnsid 0
    inet 10.0.3.8/24 scope link eth0
       valid_lft forever preferred_lft forever
    inet 10.0.0.1/24 scope global eth0
       valid_lft forever preferred_lft forever
    inet 10.0.0.9/32 scope global eth0:1
       valid_lft forever preferred_lft forever
    inet 10.0.0.2/24 brd 10.0.0.255 scope global secondary eth0
       valid_lft forever preferred_lft forever
"
    );
    assert_eq!(
        run(&mut net, "-br a").1,
        "lo               UNKNOWN        127.0.0.1/8 \n\
         tunl0@NONE       DOWN           \n\
         eth0@if4         UP             10.0.3.8/24 10.0.0.1/24 10.0.0.9/32 10.0.0.2/24 \n"
    );
    assert_eq!(
        run(&mut net, "addr show label eth0:*").1,
        "    inet 10.0.0.9/32 scope global eth0:1\n       valid_lft forever preferred_lft forever\n"
    );
}

#[test]
fn refusals_have_the_words_and_the_status_of_iproute2() {
    let mut net = setup(&["addr add 10.0.0.1/24 dev eth0"]);
    for (line, rc, text) in [
        ("addr add 10.0.0.1/24 dev eth0", 2, "RTNETLINK answers: File exists\n"),
        ("addr add 10.0.0.5/24 dev eth0 scope link", 2, "RTNETLINK answers: Invalid argument\n"),
        ("addr del 10.9.9.9/32 dev eth0", 2, "RTNETLINK answers: Cannot assign requested address\n"),
        ("addr add 10.0.0.5/24 eth0", 255, "Error: either \"local\" is duplicate, or \"eth0\" is a garbage.\n"),
        ("addr add 10.0.0.5/24", 1, "Not enough information: \"dev\" argument is required.\n"),
        ("addr add 10.0.0.300/24 dev eth0", 1, "Error: any valid prefix is expected rather than \"10.0.0.300/24\".\n"),
        ("addr show dev eth5", 1, "Device \"eth5\" does not exist.\n"),
        ("link set eth9 up", 1, "Cannot find device \"eth9\"\n"),
        ("link set eth0 mtu 60", 2, "Error: mtu less than device minimum.\n"),
        ("link set eth0 name lan0", 2, "RTNETLINK answers: Device or resource busy\n"),
        ("route add default via 192.168.77.1", 2, "Error: Nexthop has invalid gateway.\n"),
        ("route add 10.5.0.0/16", 2, "RTNETLINK answers: No such device\n"),
        ("route add 10.5.0.1/16 dev eth0", 2, "Error: Invalid prefix for given prefix length.\n"),
        ("route del 10.5.0.0/16", 2, "RTNETLINK answers: No such process\n"),
        ("route get 8.8.8.8", 2, "RTNETLINK answers: Network is unreachable\n"),
        ("route show table 100", 2, "Error: ipv4: FIB table does not exist.\nDump terminated\n"),
        ("neigh add 10.0.0.60 lladdr 02:aa:aa:aa:aa:aa", 255, "Device and destination are required arguments.\n"),
        ("neigh get 10.0.0.77 dev eth0", 2, "Error: Neighbour entry not found.\n"),
        ("adr show", 1, "Object \"adr\" is unknown, try \"ip help\".\n"),
        ("addr foo", 255, "Command \"foo\" is unknown, try \"ip address help\".\n"),
        ("xfrm state", 1, "lvsim: ip: `xfrm` is not modelled\n"),
        ("-6 neigh flush all", 1, "lvsim: ip: IPv6 is not simulated\n"),
        ("-d link", 1, "lvsim: ip: `-d` is not modelled\n"),
    ] {
        assert_eq!(run(&mut net, line), (rc, text.into()), "{line}");
    }
}

#[test]
fn routes_are_listed_and_chosen() {
    let mut net = setup(&[
        "addr add 10.0.0.1/24 dev eth0",
        "addr add 10.7.7.7/32 dev lo",
        "route add default via 10.0.0.254",
        "route add 10.2.0.0/16 via 10.0.0.2 metric 5 mtu 1400",
        "route add unreachable 10.3.0.0/16",
        "route add 10.4.0.0/16 dev eth0 src 10.7.7.7 proto static",
    ]);
    assert_eq!(
        run(&mut net, "r").1,
        "default via 10.0.0.254 dev eth0 \n\
         10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1 \n\
         10.2.0.0/16 via 10.0.0.2 dev eth0 metric 5 mtu 1400 \n\
         unreachable 10.3.0.0/16 \n\
         10.4.0.0/16 dev eth0 proto static scope link src 10.7.7.7 \n"
    );
    assert_eq!(
        run(&mut net, "route show dev eth0 scope link").1,
        "10.0.0.0/24 proto kernel src 10.0.0.1 \n10.4.0.0/16 proto static src 10.7.7.7 \n"
    );
    for (to, text) in [
        ("10.0.0.5", "10.0.0.5 dev eth0 src 10.0.0.1 uid 0 \n    cache \n"),
        ("10.7.7.7", "local 10.7.7.7 dev lo src 10.7.7.7 uid 0 \n    cache <local> \n"),
        ("10.0.0.255", "broadcast 10.0.0.255 dev eth0 src 10.0.0.1 uid 0 \n    cache <local,brd> \n"),
        ("10.4.1.1", "10.4.1.1 dev eth0 src 10.7.7.7 uid 0 \n    cache \n"),
        ("8.8.8.8 from 10.7.7.7", "8.8.8.8 from 10.7.7.7 via 10.0.0.254 dev eth0 uid 0 \n    cache \n"),
        ("10.3.0.1", "RTNETLINK answers: No route to host\n"),
    ] {
        assert_eq!(run(&mut net, &format!("route get {to}")).1, text, "{to}");
    }
}

#[test]
fn a_second_table_is_asked_by_rule() {
    let mut net = setup(&[
        "addr add 10.0.0.1/24 dev eth0",
        "route add default via 10.0.0.253 table 100",
        "rule add fwmark 8 table 100",
        "rule add from 10.9.0.0/16 prohibit pref 50",
    ]);
    assert_eq!(
        run(&mut net, "rule").1,
        "0:\tfrom all lookup local\n50:\tfrom 10.9.0.0/16 prohibit\n32765:\tfrom all fwmark 0x8 lookup 100\n\
         32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n"
    );
    assert_eq!(
        run(&mut net, "route get 8.8.8.8 mark 8").1,
        "8.8.8.8 via 10.0.0.253 dev eth0 table 100 src 10.0.0.1 mark 8 uid 0 \n    cache \n"
    );
    assert_eq!(run(&mut net, "rule del fwmark 8"), (0, String::new()));
    assert_eq!(run(&mut net, "rule del fwmark 8"), (2, "RTNETLINK answers: No such file or directory\n".into()));
}

#[test]
fn tunnels_come_and_go_with_their_routes() {
    let mut net = setup(&[
        "addr add 10.0.0.1/24 dev eth0",
        "tunnel add tun1 mode ipip local 10.0.0.1 remote 10.0.0.2 ttl 64",
        "addr add 10.8.0.1/30 dev tun1",
        "link set tun1 up",
    ]);
    assert_eq!(
        run(&mut net, "tunnel show").1,
        "tunl0: any/ip remote any local any ttl inherit nopmtudisc\n\
         tun1: ip/ip remote 10.0.0.2 local 10.0.0.1 ttl 64\n"
    );
    assert_eq!(
        run(&mut net, "-s link show tun1").1,
        "4: tun1@NONE: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1480 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
    link/ipip 10.0.0.1 peer 10.0.0.2
    RX:  bytes packets errors dropped  missed   mcast           
             0       0      0       0       0       0 
    TX:  bytes packets errors dropped carrier collsns           
             0       0      0       0       0       0 
"
    );
    assert_eq!(
        run(&mut net, "tunnel change tun1 nopmtudisc"),
        (1, "ttl != 0 and nopmtudisc are incompatible\n".into())
    );
    assert_eq!(run(&mut net, "tunnel change tun1 ttl inherit nopmtudisc"), (0, String::new()));
    assert_eq!(
        run(&mut net, "tunnel show tun1").1,
        "tun1: ip/ip remote 10.0.0.2 local 10.0.0.1 ttl inherit nopmtudisc\n"
    );
    assert_eq!(run(&mut net, "link set eth0 mtu 1400"), (0, String::new()));
    for (remote, mtu, why) in [("10.0.0.3", 1380, "what eth0 takes, less the outer header"), ("10.0.0.1", 65515, "lo")]
    {
        let add = format!("tunnel add tun2 mode ipip remote {remote}");
        assert_eq!(run(&mut net, &add), (0, String::new()));
        assert!(run(&mut net, "link show tun2").1.contains(&format!(" mtu {mtu} ")), "{why}");
        assert_eq!(run(&mut net, "tunnel del tun2"), (0, String::new()));
    }
    let typed = "link add tun2 type ipip remote 10.0.0.3 ttl 9 nopmtudisc";
    assert_eq!(run(&mut net, typed), (255, "ttl != 0 and nopmtudisc are incompatible\n".into()));
    assert_eq!(run(&mut net, "tunnel del tun1"), (0, String::new()));
    assert_eq!(run(&mut net, "r").1, "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1 \n");
    assert_eq!(
        run(&mut net, "tunnel del tunl0"),
        (1, "delete tunnel \"tunl0\" failed: Operation not permitted\n".into())
    );
    assert_eq!(run(&mut net, "link add tun1 type dummy"), (0, String::new()));
    assert!(run(&mut net, "link show tun1").1.starts_with("7: tun1: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN"));
}

#[test]
fn json_of_devices_and_addresses_has_iproute2s_keys_in_its_order() {
    let mut net = setup(&[
        "addr add 10.0.0.1/24 brd + dev eth0",
        "addr add 10.9.0.1/32 scope link dev eth0",
        "addr add 10.3.0.1 peer 10.3.0.2/32 dev eth0",
        "addr add 10.0.0.2/24 dev eth0 label eth0:1",
    ]);
    assert_eq!(
        run(&mut net, "-j link show tunl0").1,
        "[{\"ifindex\":2,\"link\":null,\"ifname\":\"tunl0\",\"flags\":[\"NOARP\"],\"mtu\":1480,\"qdisc\":\"noop\",\
         \"operstate\":\"DOWN\",\"linkmode\":\"DEFAULT\",\"group\":\"default\",\"txqlen\":1000,\"link_type\":\"ipip\",\
         \"address\":\"0.0.0.0\",\"broadcast\":\"0.0.0.0\"}]\n"
    );
    assert_eq!(
        run(&mut net, "-br -j addr show dev eth0").1,
        "[{\"link_index\":4,\"ifname\":\"eth0\",\"operstate\":\"UP\",\"addr_info\":[{\"local\":\"10.9.0.1\",\"prefixlen\":32},\
         {\"local\":\"10.0.0.1\",\"prefixlen\":24},{\"local\":\"10.3.0.1\",\"address\":\"10.3.0.2\",\"prefixlen\":32},\
         {\"local\":\"10.0.0.2\",\"prefixlen\":24}]}]\n"
    );
    // What a filter leaves out stays behind, empty.
    assert_eq!(
        run(&mut net, "-j addr show label eth0:*").1,
        "[{\"addr_info\":[]},{\"addr_info\":[{},{},{},{\"family\":\"inet\",\"local\":\"10.0.0.2\",\"prefixlen\":24,\"scope\":\"global\",\
         \"secondary\":true,\"label\":\"eth0:1\",\"valid_life_time\":4294967295,\"preferred_life_time\":4294967295}]}]\n"
    );
    assert!(run(&mut net, "-j link show up").1.contains("},{},{"), "tunl0 is down");
    assert!(
        run(&mut net, "-j -o addr show lo").1.starts_with("[{\"addr_info\":[{\"index\":1,\"dev\":\"lo\",\"family\"")
    );
    assert_eq!(
        run(&mut net, "-4 -j -p addr show lo").1,
        "[ {
        \"ifindex\": 1,
        \"ifname\": \"lo\",
        \"flags\": [ \"LOOPBACK\",\"UP\",\"LOWER_UP\" ],
        \"mtu\": 65536,
        \"qdisc\": \"noqueue\",
        \"operstate\": \"UNKNOWN\",
        \"group\": \"default\",
        \"txqlen\": 1000,
        \"addr_info\": [ {
                \"family\": \"inet\",
                \"local\": \"127.0.0.1\",
                \"prefixlen\": 8,
                \"scope\": \"host\",
                \"label\": \"lo\",
                \"valid_life_time\": 4294967295,
                \"preferred_life_time\": 4294967295
            } ]
    } ]
"
    );
}

#[test]
fn json_of_routes_rules_and_neighbours_is_that_of_6_1() {
    let mut net = setup(&[
        "addr add 10.0.0.1/24 dev eth0",
        "route add default via 10.0.0.9",
        "route add 10.5.0.0/16 via 10.0.0.9 mtu lock 1400 metric 5 src 10.0.0.1",
        "route add blackhole 10.99.0.0/16",
        "neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev eth0",
        "neigh add proxy 10.0.0.8 dev eth0",
    ]);
    let json = |net: &mut Inet, line: &str| run(net, line).1.replace('"', "'");
    assert_eq!(
        json(&mut net, "-j route"),
        "[{'dst':'default','gateway':'10.0.0.9','dev':'eth0','flags':[]},\
         {'dst':'10.0.0.0/24','dev':'eth0','protocol':'kernel','scope':'link','prefsrc':'10.0.0.1','flags':[]},\
         {'dst':'10.5.0.0/16','gateway':'10.0.0.9','dev':'eth0','prefsrc':'10.0.0.1','metric':5,'flags':[],\
         'metrics':[{'mtu':1400}]},{'type':'blackhole','dst':'10.99.0.0/16','flags':[]}]\n"
    );
    assert_eq!(
        json(&mut net, "-j route get 10.5.0.1"),
        "[{'dst':'10.5.0.1','gateway':'10.0.0.9','dev':'eth0','prefsrc':'10.0.0.1','flags':[],'uid':0,'cache':[],\
         'metrics':[{'mtu':1400}]}]\n"
    );
    assert_eq!(
        json(&mut net, "-j route get 10.0.0.255"),
        "[{'type':'broadcast','dst':'10.0.0.255','dev':'eth0','prefsrc':'10.0.0.1','flags':[],'uid':0,\
         'cache':['local','brd']}]\n"
    );
    assert_eq!(
        json(&mut net, "-j neigh"),
        "[{'dst':'10.0.0.7','dev':'eth0','lladdr':'02:00:00:00:00:07','state':['PERMANENT']}]\n"
    );
    assert_eq!(json(&mut net, "-j neigh show proxy"), "[{'dst':'10.0.0.8','dev':'eth0','proxy':null}]\n");
    assert_eq!(run(&mut net, "rule add not fwmark 5/0xff iif zz lookup 5"), (0, String::new()));
    assert_eq!(
        json(&mut net, "-j -d rule show pref 32765"),
        "[{'priority':32765,'not':null,'src':'all','fwmark':'0x5','fwmask':'0xff','iif':'zz','iif_detached':null,\
         'table':'5','protocol':'unspec'}]\n"
    );
    assert_eq!(
        run(&mut net, "-j -p route show table 77"),
        (2, "Error: ipv4: FIB table does not exist.\nDump terminated\n[ ".to_string())
    );
    assert_eq!(
        run(&mut net, "-d route show 10.5.0.0/16").1,
        "unicast 10.5.0.0/16 via 10.0.0.9 dev eth0 proto boot scope global src 10.0.0.1 metric 5 mtu lock 1400 \n"
    );
}

#[test]
fn colours_are_printed_where_they_are_asked_for() {
    let mut net = setup(&["addr add 10.0.0.1/24 brd + dev eth0", "route add default via 10.0.0.9"]);
    let seen = |net: &mut Inet, line: &str| run(net, line).1.replace('\x1b', "^");
    assert_eq!(
        seen(&mut net, "-c addr show eth0").lines().take(3).collect::<Vec<_>>(),
        [
            "3: ^[36meth0@if4: ^[0m<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state ^[32mUP ^[0mgroup \
             default qlen 1000",
            "    link/ether ^[33m02:00:00:00:00:01^[0m brd ^[33mff:ff:ff:ff:ff:ff^[0m link-netnsid 0",
            "    inet ^[35m10.0.0.1^[0m/24 brd ^[35m10.0.0.255 ^[0mscope global eth0",
        ]
    );
    assert_eq!(
        seen(&mut net, "-color=always -br link show tunl0"),
        "^[36mtunl0@NONE       ^[0m^[31mDOWN           ^[0m^[33m0.0.0.0 ^[0m<NOARP> \n"
    );
    assert_eq!(
        seen(&mut net, "-c route"),
        "default via ^[35m10.0.0.9 ^[0mdev ^[36meth0 ^[0m\n\
         ^[35m10.0.0.0/24 ^[0mdev ^[36meth0 ^[0mproto kernel scope link src ^[35m10.0.0.1 ^[0m\n"
    );
    assert!(!seen(&mut net, "-c=auto route").contains('^'));
    assert_eq!(run(&mut net, "-c=red route").0, 255);
}

#[test]
fn nobody_has_ipv6() {
    let mut net = setup(&["addr add 10.0.0.1/24 dev eth0"]);
    for line in ["-6 addr", "-6 route", "-6 neigh", "-6 rule", "-f inet6 addr show dev eth0", "-6 -j route"] {
        assert_eq!(run(&mut net, line), (1, "lvsim: ip: IPv6 is not simulated\n".to_string()), "{line}");
    }
    let add = "-6 route add default via fe80::1 dev eth0";
    assert_eq!(run(&mut net, add), (1, "lvsim: ip: IPv6 is not simulated\n".to_string()));
    assert!(run(&mut net, "-0 addr show eth0").1.ends_with("link-netnsid 0\n"), "a link has no addresses of its own");
}
