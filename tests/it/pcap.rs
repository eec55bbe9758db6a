//! What Wireshark makes of our captures: every frame understood, every checksum right. Needs tshark; says so if there is none.

use crate::support::{load, run, scenarios, text};
use std::path::Path;
use std::process::Command;

const MAX_EVENTS: u64 = 50_000_000;

/// What tshark prints, or nothing if it is not installed.
fn tshark(file: &Path, args: &[&str]) -> Option<String> {
    let out = Command::new("tshark").arg("-r").arg(file).args(args).output();
    let out = match out {
        Ok(out) => out,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return None,
        Err(e) => panic!("tshark: {e}"),
    };
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{}: tshark says {said}", file.display());
    Some(String::from_utf8_lossy(&out.stdout).into_owned())
}

#[test]
fn tshark_understands_every_frame_and_every_checksum_is_right() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in scenarios() {
        let scenario = load(&file, &text(&file)).unwrap_or_else(|e| panic!("{e}"));
        let run = run(&scenario, true, MAX_EVENTS);
        let capture = folder.path().join("frames.pcapng");
        std::fs::write(&capture, run.pcapng()).expect("a capture");
        let checks = ["ip", "tcp", "udp"].map(|p| format!("{p}.check_checksum:TRUE"));
        let [ip, tcp, udp] = checks.each_ref().map(String::as_str);
        // A long packet that an ICMP error quotes is cut, and tshark holds its checksum against what is left of it.
        let bad = "_ws.malformed || ip.checksum.status == \"Bad\" || icmp.checksum.status == \"Bad\" \
                   || (not icmp && (tcp.checksum.status == \"Bad\" || udp.checksum.status == \"Bad\"))";
        let args = ["-o", ip, "-o", tcp, "-o", udp, "-Y", bad];
        let Some(wrong) = tshark(&capture, &args) else {
            eprintln!("SKIPPED: no tshark on this machine, so no capture was looked at (apt-get install tshark)");
            return;
        };
        assert_eq!(wrong, "", "{file}: frames that tshark finds fault with");
        // A packet that died before any device saw it is in the capture and in no record.
        let on_a_cable = "not (frame.comment contains \"it was never on a cable\")";
        let seen = tshark(&capture, &["-Y", on_a_cable, "-T", "fields", "-e", "frame.interface_name"]);
        let record: serde_json::Value = serde_json::from_str(&run.record_json()).expect("a record is JSON");
        let frames = record["frames"].as_object().expect("frames by interface");
        let seen = seen.unwrap_or_default();
        for (interface, list) in frames {
            let captured = seen.lines().filter(|l| l == interface).count();
            let recorded = list.as_array().map_or(0, Vec::len);
            assert_eq!(captured, recorded, "{file}: frames at {interface}");
        }
        // A client that finds no route sends nothing at all.
        assert_eq!(frames.is_empty(), run.frames == 0, "{file}: what was sent was captured");
    }
}
