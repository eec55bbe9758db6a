//! Names of ports, as `/etc/services` of Debian 12 (netbase) has them.

use crate::wire::Proto;

/// Protocols of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Tcp,
    Udp,
    Both,
}

use Of::{Both, Tcp, Udp};

impl Of {
    fn has(self, proto: Proto) -> bool {
        match proto {
            Proto::Tcp => self != Udp,
            Proto::Udp => self != Tcp,
            _ => false,
        }
    }
}

/// Port of a service (getservbyname).
pub fn port_of(name: &str, proto: Proto) -> Option<u16> {
    let named = |row: &&Row| row.2.has(proto) && (row.0 == name || row.3.contains(&name));
    SERVICES.iter().find(named).map(|row| row.1)
}

/// Name of a port (getservbyport).
pub fn name_of(port: u16, proto: Proto) -> Option<&'static str> {
    SERVICES.iter().find(|row| row.1 == port && row.2.has(proto)).map(|row| row.0)
}

/// Name, port, protocols, other names.
type Row = (&'static str, u16, Of, &'static [&'static str]);

#[rustfmt::skip]
const SERVICES: &[Row] = &[
    ("tcpmux", 1, Tcp, &[]), ("echo", 7, Both, &[]), ("discard", 9, Both, &["sink", "null"]),
    ("systat", 11, Tcp, &["users"]), ("daytime", 13, Both, &[]), ("netstat", 15, Tcp, &[]),
    ("qotd", 17, Tcp, &["quote"]), ("chargen", 19, Both, &["ttytst", "source"]), ("ftp-data", 20, Tcp, &[]),
    ("ftp", 21, Tcp, &[]), ("fsp", 21, Udp, &["fspd"]), ("ssh", 22, Tcp, &[]), ("telnet", 23, Tcp, &[]),
    ("smtp", 25, Tcp, &["mail"]), ("time", 37, Both, &["timserver"]), ("whois", 43, Tcp, &["nicname"]),
    ("tacacs", 49, Both, &[]), ("domain", 53, Both, &[]), ("bootps", 67, Udp, &[]), ("bootpc", 68, Udp, &[]),
    ("tftp", 69, Udp, &[]), ("gopher", 70, Tcp, &[]), ("finger", 79, Tcp, &[]), ("http", 80, Tcp, &["www"]),
    ("kerberos", 88, Both, &["kerberos5", "krb5", "kerberos-sec"]), ("iso-tsap", 102, Tcp, &["tsap"]),
    ("acr-nema", 104, Tcp, &["dicom"]), ("pop3", 110, Tcp, &["pop-3"]), ("sunrpc", 111, Both, &["portmapper"]),
    ("auth", 113, Tcp, &["authentication", "tap", "ident"]), ("nntp", 119, Tcp, &["readnews", "untp"]),
    ("ntp", 123, Udp, &[]), ("epmap", 135, Tcp, &["loc-srv"]), ("netbios-ns", 137, Udp, &[]),
    ("netbios-dgm", 138, Udp, &[]), ("netbios-ssn", 139, Tcp, &[]), ("imap2", 143, Tcp, &["imap"]),
    ("snmp", 161, Both, &[]), ("snmp-trap", 162, Both, &["snmptrap"]), ("cmip-man", 163, Both, &[]),
    ("cmip-agent", 164, Both, &[]), ("mailq", 174, Tcp, &[]), ("xdmcp", 177, Udp, &[]), ("bgp", 179, Tcp, &[]),
    ("smux", 199, Tcp, &[]), ("qmtp", 209, Tcp, &[]), ("z3950", 210, Tcp, &["wais"]), ("ipx", 213, Udp, &[]),
    ("ptp-event", 319, Udp, &[]), ("ptp-general", 320, Udp, &[]), ("pawserv", 345, Tcp, &[]),
    ("zserv", 346, Tcp, &[]), ("rpc2portmap", 369, Both, &[]), ("codaauth2", 370, Both, &[]),
    ("clearcase", 371, Udp, &["Clearcase"]), ("ldap", 389, Both, &[]), ("svrloc", 427, Both, &[]),
    ("https", 443, Both, &[]), ("snpp", 444, Tcp, &[]), ("microsoft-ds", 445, Tcp, &[]), ("kpasswd", 464, Both, &[]),
    ("submissions", 465, Tcp, &["ssmtp", "smtps", "urd"]), ("saft", 487, Tcp, &[]), ("isakmp", 500, Udp, &[]),
    ("rtsp", 554, Both, &[]), ("nqs", 607, Tcp, &[]), ("asf-rmcp", 623, Udp, &[]), ("qmqp", 628, Tcp, &[]),
    ("ipp", 631, Tcp, &[]), ("ldp", 646, Both, &[]), ("exec", 512, Tcp, &[]), ("biff", 512, Udp, &["comsat"]),
    ("login", 513, Tcp, &[]), ("who", 513, Udp, &["whod"]), ("shell", 514, Tcp, &["cmd", "syslog"]),
    ("syslog", 514, Udp, &[]), ("printer", 515, Tcp, &["spooler"]), ("talk", 517, Udp, &[]), ("ntalk", 518, Udp, &[]),
    ("route", 520, Udp, &["router", "routed"]), ("gdomap", 538, Both, &[]), ("uucp", 540, Tcp, &["uucpd"]),
    ("klogin", 543, Tcp, &[]), ("kshell", 544, Tcp, &["krcmd"]), ("dhcpv6-client", 546, Udp, &[]),
    ("dhcpv6-server", 547, Udp, &[]), ("afpovertcp", 548, Tcp, &[]), ("nntps", 563, Tcp, &["snntp"]),
    ("submission", 587, Tcp, &[]), ("ldaps", 636, Both, &[]), ("tinc", 655, Both, &[]), ("silc", 706, Tcp, &[]),
    ("kerberos-adm", 749, Tcp, &[]), ("domain-s", 853, Both, &[]), ("rsync", 873, Tcp, &[]),
    ("ftps-data", 989, Tcp, &[]), ("ftps", 990, Tcp, &[]), ("telnets", 992, Tcp, &[]), ("imaps", 993, Tcp, &[]),
    ("pop3s", 995, Tcp, &[]), ("socks", 1080, Tcp, &[]), ("proofd", 1093, Tcp, &[]), ("rootd", 1094, Tcp, &[]),
    ("openvpn", 1194, Both, &[]), ("rmiregistry", 1099, Tcp, &[]), ("lotusnote", 1352, Tcp, &["lotusnotes"]),
    ("ms-sql-s", 1433, Tcp, &[]), ("ms-sql-m", 1434, Udp, &[]), ("ingreslock", 1524, Tcp, &[]),
    ("datametrics", 1645, Both, &["old-radius"]), ("sa-msg-port", 1646, Both, &["old-radacct"]),
    ("kermit", 1649, Tcp, &[]), ("groupwise", 1677, Tcp, &[]), ("l2f", 1701, Udp, &["l2tp"]),
    ("radius", 1812, Both, &[]), ("radius-acct", 1813, Both, &["radacct"]), ("cisco-sccp", 2000, Tcp, &[]),
    ("nfs", 2049, Both, &[]), ("gnunet", 2086, Both, &[]), ("rtcm-sc104", 2101, Both, &[]),
    ("gsigatekeeper", 2119, Tcp, &[]), ("gris", 2135, Tcp, &[]), ("cvspserver", 2401, Tcp, &[]),
    ("venus", 2430, Both, &[]), ("venus-se", 2431, Both, &[]), ("codasrv", 2432, Both, &[]),
    ("codasrv-se", 2433, Both, &[]), ("mon", 2583, Both, &[]), ("dict", 2628, Tcp, &[]),
    ("f5-globalsite", 2792, Tcp, &[]), ("gsiftp", 2811, Tcp, &[]), ("gpsd", 2947, Tcp, &[]),
    ("gds-db", 3050, Tcp, &["gds_db"]), ("icpv2", 3130, Udp, &["icp"]), ("isns", 3205, Both, &[]),
    ("iscsi-target", 3260, Tcp, &[]), ("mysql", 3306, Tcp, &[]), ("ms-wbt-server", 3389, Tcp, &[]),
    ("nut", 3493, Both, &[]), ("distcc", 3632, Tcp, &[]), ("daap", 3689, Tcp, &[]),
    ("svn", 3690, Tcp, &["subversion"]), ("suucp", 4031, Tcp, &[]), ("sysrqd", 4094, Tcp, &[]),
    ("sieve", 4190, Tcp, &[]), ("epmd", 4369, Tcp, &[]), ("remctl", 4373, Tcp, &[]), ("f5-iquery", 4353, Tcp, &[]),
    ("ntske", 4460, Tcp, &[]), ("ipsec-nat-t", 4500, Udp, &[]), ("iax", 4569, Udp, &[]), ("mtn", 4691, Tcp, &[]),
    ("radmin-port", 4899, Tcp, &[]), ("sip", 5060, Both, &[]), ("sip-tls", 5061, Both, &[]),
    ("xmpp-client", 5222, Tcp, &["jabber-client"]), ("xmpp-server", 5269, Tcp, &["jabber-server"]),
    ("cfengine", 5308, Tcp, &[]), ("mdns", 5353, Udp, &[]), ("postgresql", 5432, Tcp, &["postgres"]),
    ("freeciv", 5556, Tcp, &["rptp"]), ("amqps", 5671, Tcp, &[]), ("amqp", 5672, Tcp, &[]),
    ("x11", 6000, Tcp, &["x11-0"]), ("x11-1", 6001, Tcp, &[]), ("x11-2", 6002, Tcp, &[]), ("x11-3", 6003, Tcp, &[]),
    ("x11-4", 6004, Tcp, &[]), ("x11-5", 6005, Tcp, &[]), ("x11-6", 6006, Tcp, &[]), ("x11-7", 6007, Tcp, &[]),
    ("gnutella-svc", 6346, Both, &[]), ("gnutella-rtr", 6347, Both, &[]), ("redis", 6379, Tcp, &[]),
    ("sge-qmaster", 6444, Tcp, &["sge_qmaster"]), ("sge-execd", 6445, Tcp, &["sge_execd"]),
    ("mysql-proxy", 6446, Tcp, &[]), ("babel", 6696, Udp, &[]), ("ircs-u", 6697, Tcp, &[]), ("bbs", 7000, Tcp, &[]),
    ("afs3-fileserver", 7000, Udp, &[]), ("afs3-callback", 7001, Udp, &[]), ("afs3-prserver", 7002, Udp, &[]),
    ("afs3-vlserver", 7003, Udp, &[]), ("afs3-kaserver", 7004, Udp, &[]), ("afs3-volser", 7005, Udp, &[]),
    ("afs3-bos", 7007, Udp, &[]), ("afs3-update", 7008, Udp, &[]), ("afs3-rmtsys", 7009, Udp, &[]),
    ("font-service", 7100, Tcp, &["xfs"]), ("http-alt", 8080, Tcp, &["webcache"]), ("puppet", 8140, Tcp, &[]),
    ("bacula-dir", 9101, Tcp, &[]), ("bacula-fd", 9102, Tcp, &[]), ("bacula-sd", 9103, Tcp, &[]),
    ("xmms2", 9667, Tcp, &[]), ("nbd", 10809, Tcp, &[]), ("zabbix-agent", 10050, Tcp, &[]),
    ("zabbix-trapper", 10051, Tcp, &[]), ("amanda", 10080, Tcp, &[]), ("dicom", 11112, Tcp, &[]),
    ("hkp", 11371, Tcp, &[]), ("db-lsp", 17500, Tcp, &[]), ("dcap", 22125, Tcp, &[]), ("gsidcap", 22128, Tcp, &[]),
    ("wnn6", 22273, Tcp, &[]), ("kerberos4", 750, Both, &["kerberos-iv", "kdc"]),
    ("kerberos-master", 751, Udp, &["kerberos_master"]), ("kerberos-master", 751, Tcp, &[]),
    ("passwd-server", 752, Udp, &["passwd_server"]), ("krb-prop", 754, Tcp, &["krb_prop", "krb5_prop", "hprop"]),
    ("zephyr-srv", 2102, Udp, &[]), ("zephyr-clt", 2103, Udp, &[]), ("zephyr-hm", 2104, Udp, &[]),
    ("iprop", 2121, Tcp, &[]), ("supfilesrv", 871, Tcp, &[]), ("supfiledbg", 1127, Tcp, &[]),
    ("poppassd", 106, Tcp, &[]), ("moira-db", 775, Tcp, &["moira_db"]), ("moira-update", 777, Tcp, &["moira_update"]),
    ("moira-ureg", 779, Udp, &["moira_ureg"]), ("spamd", 783, Tcp, &[]), ("skkserv", 1178, Tcp, &[]),
    ("predict", 1210, Udp, &[]), ("rmtcfg", 1236, Tcp, &[]), ("xtel", 1313, Tcp, &[]), ("xtelw", 1314, Tcp, &[]),
    ("zebrasrv", 2600, Tcp, &[]), ("zebra", 2601, Tcp, &[]), ("ripd", 2602, Tcp, &[]), ("ripngd", 2603, Tcp, &[]),
    ("ospfd", 2604, Tcp, &[]), ("bgpd", 2605, Tcp, &[]), ("ospf6d", 2606, Tcp, &[]), ("ospfapi", 2607, Tcp, &[]),
    ("isisd", 2608, Tcp, &[]), ("fax", 4557, Tcp, &[]), ("hylafax", 4559, Tcp, &[]), ("munin", 4949, Tcp, &["lrrd"]),
    ("rplay", 5555, Udp, &[]), ("nrpe", 5666, Tcp, &[]), ("nsca", 5667, Tcp, &[]), ("canna", 5680, Tcp, &[]),
    ("syslog-tls", 6514, Tcp, &[]), ("sane-port", 6566, Tcp, &["sane", "saned"]), ("ircd", 6667, Tcp, &[]),
    ("zope-ftp", 8021, Tcp, &[]), ("tproxy", 8081, Tcp, &[]), ("omniorb", 8088, Tcp, &[]),
    ("clc-build-daemon", 8990, Tcp, &[]), ("xinetd", 9098, Tcp, &[]), ("git", 9418, Tcp, &[]),
    ("zope", 9673, Tcp, &[]), ("webmin", 10000, Tcp, &[]), ("kamanda", 10081, Tcp, &[]),
    ("amandaidx", 10082, Tcp, &[]), ("amidxtape", 10083, Tcp, &[]), ("sgi-cmsd", 17001, Udp, &[]),
    ("sgi-crsd", 17002, Udp, &[]), ("sgi-gcd", 17003, Udp, &[]), ("sgi-cad", 17004, Tcp, &[]),
    ("binkp", 24554, Tcp, &[]), ("asp", 27374, Both, &[]), ("csync2", 30865, Tcp, &[]),
    ("dircproxy", 57000, Tcp, &[]), ("tfido", 60177, Tcp, &[]), ("fido", 60179, Tcp, &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ports_belong_to_a_protocol() {
        for (name, proto, port) in [
            ("http", Proto::Tcp, Some(80)),
            ("http", Proto::Udp, None),
            ("www", Proto::Tcp, Some(80)),
            ("domain", Proto::Udp, Some(53)),
            ("HTTP", Proto::Tcp, None),
            ("", Proto::Tcp, None),
        ] {
            assert_eq!(port_of(name, proto), port, "{name}");
        }
        assert_eq!(name_of(8080, Proto::Tcp), Some("http-alt"));
        assert_eq!(name_of(443, Proto::Udp), Some("https"));
        assert_eq!(name_of(81, Proto::Tcp), None);
    }
}
