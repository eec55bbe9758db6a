//! What is typed here and happens on another host: `ssh HOST COMMAND`, and `scp FILE… HOST:PATH`.
//!
//! Both become a line that is typed there, so that going back and `:save` know nothing else. Left out: the way of ssh and scp
//! over the network (port 22, which a filter could keep out), options, and copying from another host to this one.

use super::commands::Reply;
use super::session::Session;
use crate::base::NodeId;
use crate::lang::Text;
use crate::trace::Tracer;

/// `ssh HOST COMMAND`: the command in the shell that this session has there.
///
/// # Errors
/// What ssh says if there is no such host.
pub fn ssh(session: &mut Session<'_>, host: &str, command: &str) -> Result<Reply, Text> {
    let node = known(session, host, "ssh")?;
    session.type_on(node, command);
    Ok(Reply::Started)
}

/// `scp FILE… HOST:PATH`.
///
/// # Errors
/// As [`copying`].
pub fn scp(session: &mut Session<'_>, files: &[String], host: &str, path: &str) -> Result<Reply, Text> {
    let (node, text) = copying(session, files, host, path)?;
    session.type_on(node, &text);
    Ok(Reply::Started)
}

/// What is typed on which host to have the files there.
///
/// # Errors
/// What scp says if there is no such host, file or folder.
pub fn copying(session: &Session<'_>, files: &[String], host: &str, path: &str) -> Result<(NodeId, String), Text> {
    let node = known(session, host, "scp")?;
    let folder = session.folder();
    let mut lines = Vec::new();
    for file in files {
        let there = format!("cd {} && cat -- {}", quoted(&folder), quoted(file));
        let (status, text) = ask(session, session.here(), &there);
        if status != Some(0) {
            return Err(Text::plain(format!("scp: stat local \"{file}\": No such file or directory")));
        }
        let name = file.rsplit('/').next().unwrap_or(file);
        let to = destination(session, node, path, name, files.len() > 1)?;
        lines.push(format!("printf '%s' {} > {}", quoted(&text), quoted(&to)));
        let (runs, _) = ask(session, session.here(), &format!("cd {} && test -x {}", quoted(&folder), quoted(file)));
        if runs == Some(0) {
            lines.push(format!("chmod 755 {}", quoted(&to)));
        }
    }
    Ok((node, lines.join("\n")))
}

fn known(session: &Session<'_>, host: &str, program: &str) -> Result<NodeId, Text> {
    let unknown = || Text::plain(format!("{program}: Could not resolve hostname {host}: Name or service not known"));
    session.host_named(host).ok_or_else(unknown)
}

/// Where a file goes: into a folder under its own name, else under the name that was given.
fn destination(session: &Session<'_>, node: NodeId, path: &str, name: &str, several: bool) -> Result<String, Text> {
    let full = match path {
        "" | "~" | "~/" => "/root/".to_string(),
        path if path.starts_with('/') => path.to_string(),
        path => format!("/root/{}", path.trim_start_matches("~/")),
    };
    let is_folder = ask(session, node, &format!("test -d {}", quoted(&full))).0 == Some(0);
    match (is_folder, several || full.ends_with('/')) {
        (true, _) => Ok(format!("{}/{name}", full.trim_end_matches('/'))),
        (false, true) => Err(Text::plain(format!("scp: {full}: No such file or directory"))),
        (false, false) => Ok(full),
    }
}

/// What a command would say; nothing of it happens.
fn ask(session: &Session<'_>, node: NodeId, text: &str) -> (Option<u8>, String) {
    session.play().clone().ask(node, &text.into(), session.seed(), &mut Tracer::off())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
