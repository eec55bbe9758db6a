//! Holds a record of ours against the kernel's, part by part. What the kernel's two plays did not agree on is not asked.
//!
//! `tests/kernel/README.md` says what a record holds and when each part agrees.

use regex_lite::Regex;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The parts of a case, in the order in which they are told.
pub const PARTS: [&str; 8] = ["served", "arp", "neighbours", "tables", "ipvs", "output", "setup", "frames"];

/// One disagreement.
#[derive(Debug)]
pub struct Difference {
    pub what: String,
    pub kernel: Value,
    pub ours: Value,
}

/// For each part that was asked, the disagreements.
pub type Verdict = BTreeMap<&'static str, Vec<Difference>>;

/// Whether every asked part agrees, but for those named.
pub fn agrees(verdict: &Verdict, but_for: &[&str]) -> bool {
    verdict.iter().all(|(part, bad)| bad.is_empty() || but_for.contains(part))
}

/// The comparison.
pub fn compare(kernel: &Value, ours: &Value) -> Verdict {
    let mut score = Score { kernel, ours, verdict: Verdict::new() };
    score.served();
    score.arp();
    score.neighbours();
    score.tables();
    score.ipvs();
    score.output();
    score.setup();
    score.frames();
    score.verdict
}

struct Score<'a> {
    kernel: &'a Value,
    ours: &'a Value,
    verdict: Verdict,
}

impl Score<'_> {
    fn hold(&mut self, part: &'static str, what: String, kernel: Value, ours: Value) {
        let bad = self.verdict.entry(part).or_default();
        if !same(&kernel, &ours) {
            bad.push(Difference { what, kernel, ours });
        }
    }

    /// What both plays agreed on; nothing if they did not.
    fn stable(&self, key: &str) -> Map<String, Value> {
        object(&self.kernel["stable"][key]["value"])
    }

    fn host(&self, name: &str) -> &Value {
        &self.ours["hosts"][name]
    }

    fn served(&mut self) {
        let mut sequence: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut outcomes: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for c in list(&self.ours["connections"]) {
            let traffic = string(&c["traffic"]);
            let server = match string(&c["server"]) {
                s if s.is_empty() => "-".to_string(),
                s => s,
            };
            sequence.entry(traffic.clone()).or_default().push(server.into());
            let counts = outcomes.entry(traffic).or_default();
            *counts.entry(string(&c["outcome"])).or_default() += 1;
        }
        for (t, v) in self.stable("sequence") {
            let got = json!(sequence.get(&t).cloned().unwrap_or_default());
            self.hold("served", format!("sequence of {t}"), v, got);
        }
        for (t, v) in self.stable("outcomes") {
            let got = json!(outcomes.get(&t).cloned().unwrap_or_default());
            self.hold("served", format!("outcomes of {t}"), v, got);
        }
    }

    fn arp(&mut self) {
        let mut asked: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for a in list(&self.ours["arp_requests"]) {
            let mut answered: Vec<String> = list(&a["answered_by"]).map(string).collect();
            answered.sort();
            let mut x = json!({ "who_has": a["who_has"], "tell": a["tell"], "answered_by": answered });
            match &a["to"] {
                Value::Null => {}
                to if to == "*" => {}
                to => x["to"] = to.clone(),
            }
            asked.entry(string(&a["from"])).or_default().push(x);
        }
        for (i, v) in self.stable("arp_requests") {
            let got = json!(asked.get(&i).cloned().unwrap_or_default());
            self.hold("arp", format!("requests by {i}"), v, got);
        }
    }

    fn neighbours(&mut self) {
        for (n, v) in self.stable("neighbours") {
            let mut got = Map::new();
            for (dev, entries) in object(&self.host(&n)["neighbours"]) {
                let is = object(&entries).into_iter().map(|(addr, e)| (addr, e["is"].clone())).collect();
                got.insert(dev, Value::Object(is));
            }
            self.hold("neighbours", n, v, Value::Object(got));
        }
    }

    fn tables(&mut self) {
        for (n, v) in self.stable("addresses") {
            let got = Value::Object(object(&self.host(&n)["addresses"]));
            self.hold("tables", format!("addresses of {n}"), v, got);
        }
        for (n, v) in self.stable("routes") {
            let mut want: Vec<String> = list(&v).map(string).collect();
            want.sort();
            let mut got: Vec<String> = list(&self.host(&n)["routes"]).map(|r| folded(&string(r))).collect();
            got.sort();
            self.hold("tables", format!("routes of {n}"), json!(want), json!(got));
        }
    }

    fn ipvs(&mut self) {
        for (key, field) in [("ipvs", "ipvsadm_Ln"), ("ipvs_stats", "ipvsadm_stats")] {
            for (n, v) in self.stable(key) {
                if field == "ipvsadm_stats" && !self.settled(&n) {
                    continue;
                }
                let got = lines(&string(&self.host(&n)[field]), "");
                let want = lines(&string(&v), "");
                self.hold("ipvs", format!("{field} on {n}"), json!(want), json!(got));
            }
        }
        for (n, v) in self.stable("ipvs_connections") {
            let sorted = |rows: Vec<Value>| {
                let mut rows = rows;
                rows.sort_by_key(|c| ["source", "virtual", "destination", "protocol"].map(|k| string(&c[k])));
                Value::Array(rows)
            };
            let got = list(&self.host(&n)["ipvs_connections"])
                .map(|c| {
                    let mut c = object(c);
                    c.remove("expire");
                    Value::Object(c)
                })
                .collect();
            let want = list(&v).cloned().collect();
            self.hold("ipvs", format!("connections on {n}"), sorted(want), sorted(got));
        }
    }

    /// The kernel copies its IPVS counters every 2 s: they are asked only where the last frame is older than that.
    fn settled(&self, node: &str) -> bool {
        let seen = object(&self.kernel["stable"]["frames"]);
        let mut last: f64 = 0.0;
        for name in seen.keys().filter(|i| i.split(':').next() == Some(node)) {
            match self.kernel["frames"].get(name) {
                None => return false,
                Some(frames) => {
                    for f in list(frames) {
                        last = last.max(f["t"].as_f64().unwrap_or(0.0));
                    }
                }
            }
        }
        self.kernel["ended"].as_f64().unwrap_or(0.0) - last > 2.1
    }

    fn output(&mut self) {
        let mut rest: Vec<&Value> = list(&self.ours["events"]).collect();
        for e in list(&self.kernel["events"]) {
            if e["run"].is_null() {
                continue;
            }
            let found = rest
                .iter()
                .position(|x| x["run"] == e["run"] && x["node"] == e["node"] && same_time(&x["at"], &e["at"]));
            let mine = found.map(|i| rest.remove(i));
            if !truthy(&e["agreed"]) && !truthy(&e["agreed_but_for"]) {
                continue;
            }
            let typed = string(&e["run"]);
            let said = |x: &Value| json!([x["rc"], lines(&mask(&string(&x["out"])), &typed)]);
            let at = match &e["at"] {
                Value::String(at) => at.clone(),
                at => at.to_string(),
            };
            let what = format!("{} at {at}: {typed}", string(&e["node"]));
            self.hold("output", what, said(e), mine.map_or(Value::Null, said));
        }
    }

    fn setup(&mut self) {
        for (n, v) in self.stable("setup") {
            let said = |x: &Value| json!([x["rc"], lines(&mask(&string(&x["out"])), "")]);
            let got = said(&self.ours["setup"][&n]);
            let want = said(&v);
            self.hold("setup", n, want, got);
        }
    }

    fn frames(&mut self) {
        for (i, v) in object(&self.kernel["stable"]["frames"]) {
            let got = grouped(&self.ours["frames"][&i]);
            let of =
                |groups: &BTreeMap<String, Vec<String>>, s: &str| json!(groups.get(s).cloned().unwrap_or_default());
            if truthy(&v["agreed"]) {
                let want = grouped(&self.kernel["frames"][&i]);
                let streams: BTreeSet<&String> = want.keys().chain(got.keys()).collect();
                for s in streams {
                    let what = format!("{i}, {s}");
                    self.hold("frames", what, of(&want, s), of(&got, s));
                }
            } else {
                for (s, x) in object(&v["streams"]) {
                    if truthy(&x["agreed"]) {
                        let want: Vec<String> = list(&x["frames"]).map(frame_line).collect();
                        self.hold("frames", format!("{i}, {s}"), json!(want), of(&got, &s));
                    }
                }
            }
        }
    }
}

/// The conversation that a frame belongs to, from its text.
pub fn stream(x: &str) -> String {
    static QUOTING: LazyLock<Regex> = LazyLock::new(|| regex(r"^IP \S+ > \S+.*? quoting \[(.*)\]$"));
    static TUNNEL: LazyLock<Regex> = LazyLock::new(|| regex(r"^IP \S+ > \S+ .*?IPIP \[(.*)\]$"));
    static PORTS: LazyLock<Regex> = LazyLock::new(|| regex(r"^IP (\S+) > (\S+) .*?\b(TCP|UDP) (~?\d+) > (~?\d+)\b"));
    static ENDS: LazyLock<Regex> = LazyLock::new(|| regex(r"^IP (\S+) > (\S+)"));
    static ECHO: LazyLock<Regex> = LazyLock::new(|| regex(r"ICMP echo-(request|reply) seq"));
    if x.starts_with("ARP") {
        return "arp".into();
    }
    if let Some(m) = QUOTING.captures(x) {
        return format!("icmp about {}", stream(&m[1]));
    }
    if let Some(m) = TUNNEL.captures(x) {
        return stream(&m[1]);
    }
    if let Some(m) = PORTS.captures(x) {
        let mut ends = [format!("{}:{}", &m[1], &m[4]), format!("{}:{}", &m[2], &m[5])];
        ends.sort();
        return format!("{} {}", m[3].to_lowercase(), ends.join("-"));
    }
    if let Some(m) = ENDS.captures(x) {
        if x.contains("VRRP") {
            return "vrrp".into();
        }
        if x.contains("IGMP") {
            return "igmp".into();
        }
        let mut ends = [m[1].to_string(), m[2].to_string()];
        ends.sort();
        let base = format!("ip {}", ends.join("-"));
        return match ECHO.is_match(x) {
            true => format!("icmp {base}"),
            false => base,
        };
    }
    "other".into()
}

fn grouped(frames: &Value) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for f in list(frames) {
        let conversation = stream(&string(&f["type"]));
        out.entry(conversation).or_default().push(frame_line(f));
    }
    out
}

fn frame_line(f: &Value) -> String {
    let end = |v: &Value| v.as_str().map_or("None".to_string(), String::from);
    let (src, dst) = (end(&f["src"]), end(&f["dst"]));
    format!("{} {src} > {dst} {}", string(&f["dir"]), string(&f["type"]))
}

/// What differs from run to run of real programs: times, and numbers of interfaces.
fn mask(text: &str) -> String {
    static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"time=[0-9.]+ ?ms", "time=…"),
            (r"\[[0-9a-fA-F:]{17}\] +[0-9.]+ ?ms", "[…]"),
            (r"time [0-9]+ms", "time …"),
            (r"rtt min.*", "rtt …"),
            (r"(?m)^(TCP|UDP|IP|ICMP)( +)[0-9]{2}:[0-9]{2}", "${1}${2}--:--"),
            (r"@if[0-9]+", "@if…"),
            (r"[0-9.]+sec", "…sec"),
            (r"used [0-9/]+", "used …"),
        ]
        .map(|(pattern, with)| (Regex::new(pattern).expect("a mask"), with))
        .into()
    });
    MASKS.iter().fold(text.to_string(), |text, (mask, with)| mask.replace_all(&text, *with).into_owned())
}

/// Lines with spaces folded, empty ones left out. The rows of the connection table and of `arp -n` come in the order of a
/// hash with a random seed: they are sorted.
fn lines(text: &str, typed: &str) -> Vec<String> {
    static HASHED: LazyLock<Regex> =
        LazyLock::new(|| regex(r"ipvsadm\b.*(-\w*c\b|--connection)|ip_vs_conn|\barp\b|/net/arp"));
    // As Python's splitlines.
    let ends = ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
    let mut out: Vec<String> = text.split(ends).map(folded).filter(|l| !l.is_empty()).collect();
    if HASHED.is_match(typed) {
        out.sort();
    }
    out
}

fn folded(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn same_time(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-6,
        _ => a == b,
    }
}

/// Equal as values: 1 is 1.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| same(v, w)))
        }
        _ => a == b,
    }
}

fn truthy(v: &Value) -> bool {
    match v {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(a) => !a.is_empty(),
        Value::Object(o) => !o.is_empty(),
    }
}

fn object(v: &Value) -> Map<String, Value> {
    v.as_object().cloned().unwrap_or_default()
}

fn list(v: &Value) -> impl Iterator<Item = &Value> {
    v.as_array().into_iter().flatten()
}

fn string(v: &Value) -> String {
    v.as_str().unwrap_or_default().to_string()
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern that is tried by every run of the tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_belongs_to_its_conversation() {
        for (frame, conversation) in [
            ("ARP request who-has 10.0.0.1 tell 10.0.0.2", "arp"),
            ("IP 10.0.0.2 > 10.0.0.1 ttl 64 DF TCP ~1 > 80 [SYN] seq 0 len 0 mss 1460", "tcp 10.0.0.1:80-10.0.0.2:~1"),
            (
                "IP 10.9.0.1 > 10.9.0.2 ttl 64 IPIP [IP 10.0.0.2 > 10.0.0.1 ttl 63 UDP 5 > 53 len 9]",
                "udp 10.0.0.1:53-10.0.0.2:5",
            ),
            (
                "IP 10.0.0.1 > 10.0.0.2 ttl 64 ICMP unreachable port quoting [IP 10.0.0.2 > 10.0.0.1 ttl 63 UDP 5 > 53 len 9]",
                "icmp about udp 10.0.0.1:53-10.0.0.2:5",
            ),
            ("IP 10.0.0.1 > 10.0.0.2 ttl 64 ICMP echo-request seq 1 len 56", "icmp ip 10.0.0.1-10.0.0.2"),
            ("IP 10.0.0.1 > 10.0.0.2 ttl 64 fragment 0+1400 more", "ip 10.0.0.1-10.0.0.2"),
            ("IP 10.0.0.1 > 224.0.0.18 ttl 255 VRRP v2 advertisement", "vrrp"),
            ("LLDP", "other"),
        ] {
            assert_eq!(stream(frame), conversation, "{frame}");
        }
    }

    #[test]
    fn times_are_masked_and_spaces_folded() {
        let text = mask("64 bytes: time=0.05 ms\nTCP 01:59 FIN_WAIT\n\nrtt min/avg = 1\n");
        let expected = ["64 bytes: time=…", "TCP --:-- FIN_WAIT", "rtt …"];
        assert_eq!(lines(&text, "ping"), expected);
        assert_eq!(lines("b\n  a   c\n", "ipvsadm -Lnc"), ["a c", "b"]);
        assert_eq!(lines("b\na\n", "ipvsadm -Ln"), ["b", "a"]);
    }

    #[test]
    fn a_kernel_record_agrees_with_itself_and_with_nothing_less() {
        let record = crate::support::text("tests/kernel/modes/dr-seed0.kernel.json");
        let record: Value = serde_json::from_str(&record).expect("a record is JSON");
        let hollow = compare(&record, &json!({}));
        assert!(!agrees(&hollow, &[]));
        assert_eq!(hollow.len(), PARTS.len(), "{:?}", hollow.keys());
        // What a perfect simulator would have written, rebuilt from what the kernel's plays agreed on.
        let mut ours = json!({ "connections": record["connections"], "frames": record["frames"] });
        let verdict = compare(&record, &ours);
        assert!(verdict["served"].is_empty() && verdict["frames"].is_empty());
        ours["frames"]["client:eth0"][0]["dir"] = json!("in");
        assert!(!compare(&record, &ours)["frames"].is_empty());
    }
}
