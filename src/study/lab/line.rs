//! What a typed line is: for a shell, for the lab, or a way to another host; and whether more lines belong to it.

use crate::shell::bash;

/// What somebody typed, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing, or a comment.
    Nothing,
    /// For the shell.
    Shell(String),
    /// For the lab: the command's name without its colon, and the rest.
    Lab(String, String),
    /// `ssh HOST`.
    Ssh(String),
    /// `ssh HOST COMMAND`: host and command.
    There(String, String),
    /// `scp FILE… HOST:PATH`: files, host and path.
    Copy(Vec<String>, String, String),
    /// More is to come: a quote, a loop, a here-document is open.
    Unfinished,
}

/// Reads what was typed so far, which may be several lines.
pub fn read(text: &str) -> Said {
    let trimmed = text.trim();
    if trimmed.is_empty() || (trimmed.starts_with('#') && !trimmed.contains('\n')) {
        return Said::Nothing;
    }
    if let Some(rest) = trimmed.strip_prefix(':').filter(|r| r.starts_with(|c: char| c.is_ascii_alphabetic())) {
        let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        return Said::Lab(name.to_string(), rest.trim().to_string());
    }
    if let Some(said) = elsewhere(trimmed) {
        return said;
    }
    if open(text) { Said::Unfinished } else { Said::Shell(text.trim_end_matches('\n').to_string()) }
}

/// A line that leads to another host, if it is one without options and nothing else stands beside it.
fn elsewhere(line: &str) -> Option<Said> {
    let (program, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim();
    let host = |word: &str| word.strip_prefix("root@").unwrap_or(word).to_string();
    if rest.starts_with('-') {
        return None;
    }
    match program {
        "ssh" => match rest.split_once(char::is_whitespace) {
            None => Some(Said::Ssh(host(rest))),
            Some((to, command)) => Some(Said::There(host(to), one_command(command.trim())?)),
        },
        "scp" if !rest.contains(special) => {
            let mut words: Vec<String> = rest.split_whitespace().map(str::to_string).collect();
            let last = words.pop()?;
            let (to, path) = last.split_once(':')?;
            (!words.is_empty()).then(|| Said::Copy(words, host(to), path.to_string()))
        }
        _ => None,
    }
}

/// What ssh hands on: what stands between quotes, or words in which nothing is special to the shell here.
fn one_command(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'));
    match quote.and_then(|q| text.strip_prefix(q)?.strip_suffix(q).filter(|inner| !inner.contains(q))) {
        Some(inner) if quote == Some('\'') || !inner.contains(['$', '`', '\\']) => Some(inner.to_string()),
        _ => (!text.contains(special)).then(|| text.to_string()),
    }
}

fn special(c: char) -> bool {
    "|&;<>()$`\\\"'*?[]{}~#\n".contains(c)
}

/// Whether a shell would wait for more.
fn open(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    if body.ends_with('\\') && !body.ends_with("\\\\") {
        return true;
    }
    if here_document(text) {
        return true;
    }
    bash::check_syntax(text)
        .is_err_and(|(_, why)| why.contains("unexpected end of file") || why.contains("unexpected EOF while looking"))
}

/// Whether a here-document has no end yet.
fn here_document(text: &str) -> bool {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((_, after)) = line.split_once("<<").filter(|(_, after)| !after.starts_with('<')) else { continue };
        let after = after.strip_prefix('-').unwrap_or(after).trim_start();
        let word: String = after.chars().take_while(|c| !c.is_whitespace() && !";|&<>)".contains(*c)).collect();
        let word = word.trim_matches(|c| c == '\'' || c == '"' || c == '\\').to_string();
        // `1 << 2` in arithmetic is none.
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        if !lines.any(|l| l.trim_start_matches('\t') == word) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_for_the_shell_for_the_lab_or_lead_elsewhere() {
        assert_eq!(read("ip addr\n"), Said::Shell("ip addr".into()));
        assert_eq!(read(":run 5s"), Said::Lab("run".into(), "5s".into()));
        assert_eq!(read(": nothing"), Said::Shell(": nothing".into()));
        assert_eq!(read("ssh root@rs1"), Said::Ssh("rs1".into()));
        assert_eq!(read("ssh -p 22 rs1"), Said::Shell("ssh -p 22 rs1".into()));
        let there = |command: &str| Said::There("rs1".into(), command.into());
        assert_eq!(read("ssh rs1 ip addr"), there("ip addr"));
        assert_eq!(read("ssh rs1 'echo $HOSTNAME > f; cat f'"), there("echo $HOSTNAME > f; cat f"));
        assert_eq!(read("ssh rs1 \"ip route\""), there("ip route"));
        // The shell here would have its share in these.
        for mixed in ["ssh rs1 ip addr | wc -l", "ssh rs1 \"echo $HOSTNAME\"", "ssh rs1 a 'b c'"] {
            assert_eq!(read(mixed), Said::Shell(mixed.into()));
        }
        let copy = Said::Copy(vec!["a.sh".into(), "b".into()], "10.0.0.3".into(), "/root/".into());
        assert_eq!(read("scp a.sh b root@10.0.0.3:/root/"), copy);
        assert!(matches!(read("scp rs1:/etc/hosts ."), Said::Shell(_)));
        assert_eq!([read(" \n"), read("# a comment")], [Said::Nothing, Said::Nothing]);
    }

    #[test]
    fn what_is_open_waits_for_more() {
        for text in
            ["for i in 1 2\ndo\n", "echo 'a\n", "cat > f << EOF\nx\n", "echo a \\\n", "if true; then\n", "f() {\n"]
        {
            assert_eq!(read(text), Said::Unfinished, "{text}");
        }
        for text in ["for i in 1 2\ndo\necho $i\ndone\n", "cat > f << 'EOF'\nx\nEOF\n", "echo $((1 << 2))\n", "fi\n"] {
            assert!(matches!(read(text), Said::Shell(_)), "{text}");
        }
    }
}
