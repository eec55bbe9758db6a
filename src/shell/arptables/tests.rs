//! What arptables 0.0.5 printed, line for line.

use super::*;

fn typed(lines: &[&str]) -> String {
    let (mut table, mut text) = (ArpTable::default(), String::new());
    for line in lines {
        let mut out = Output::new();
        let words: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let status = run(&mut table, &words, &mut out);
        text += &out.text();
        if status != 0 {
            text += &format!("[{status}]\n");
        }
    }
    text
}

#[test]
fn rules_are_listed_as_options() {
    let lines = [
        "-A INPUT -d 10.0.0.99 -j DROP",
        "-A INPUT -s ! 10.0.0.5/255.255.0.0 ! -i eth+ --opcode 1 -j ACCEPT",
        "-A INPUT --source-mac 02:00:00:00:00:01 --destination-mac ! 2:0:0:0:0:2",
        "-A OUTPUT -s 10.0.0.9 -j mangle --mangle-ip-s 10.0.0.2",
        "-L",
        "-L INPUT -n -v",
    ];
    let want = "\
Chain INPUT (policy ACCEPT)
-j DROP -d 10.0.0.99 
-j ACCEPT ! -i eth+ ! -s 10.0.0.0/16 --opcode Request 
--src-mac 02:00:00:00:00:01 ! --dst-mac 02:00:00:00:00:02 

Chain OUTPUT (policy ACCEPT)
-j mangle -s 10.0.0.9 --mangle-ip-s 10.0.0.2 

Chain FORWARD (policy ACCEPT)
Chain INPUT (policy ACCEPT 0 packets, 0 bytes)
-j DROP -i * -o * -d 10.0.0.99 , pcnt=0 -- bcnt=0 
-j ACCEPT ! -i eth+ -o * ! -s 10.0.0.0/16 --opcode 1 , pcnt=0 -- bcnt=0 
-i * -o * --src-mac 02:00:00:00:00:01 ! --dst-mac 02:00:00:00:00:02 , pcnt=0 -- bcnt=0 
";
    assert_eq!(typed(&lines), want);
}

#[test]
fn mistakes_are_told_in_the_programs_words_or_not_at_all() {
    let hint = "\nTry `arptables -h' or 'arptables --help' for more information.\n[2]\n";
    let table = [
        ("", "no command specified"),
        ("-A", "no command specified"),
        ("-A INPUT -d foo.bar -j DROP", "host/network `foo.bar' not found"),
        ("-A OUTPUT -i eth0 -j DROP", "Can't use -i with OUTPUT\n"),
        ("-A INPUT -j FOO", "Couldn't find target `FOO'\n"),
        ("-A OUTPUT -j mangle --mangle-mac-s 02:00:00:00:00:09", "no --h-length defined"),
        ("-L -F", "Can't use -F with -L\n"),
        ("-A INPUT --opcode foo", "Problem with specified opcode"),
    ];
    for (line, text) in table {
        assert_eq!(typed(&[line]), format!("arptables v0.0.5: {text}{hint}"), "{line}");
    }
    assert_eq!(typed(&["-A INPUT --foo"]), "");
    assert_eq!(typed(&["-D INPUT 9"]), "arptables: Index of deletion too big\n[1]\n");
    assert_eq!(typed(&["-X INPUT"]), "arptables: Can't delete built-in chain\n[1]\n");
}
