//! Redirections and descriptors: where output goes, where input comes from.
//!
//! `>` empties a file when it is opened; every write then goes to its end, whoever else writes there.

use super::ast::{Redir, RedirKind};
use super::env::Fd;
use super::expand::{Expanded, Expander};
use super::frame::{Cx, Frame};
use super::output::{Output, Stream};
use super::task::Task;
use super::{MAX_OUTPUT, Machine, Overlay, Ran};
use crate::shell::vfs::{FileError, Files, resolve};
use std::sync::Arc;

/// Text that a descriptor reads, and how far it was read.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub text: Arc<str>,
    pub at: usize,
}

/// A redirection whose target is known.
pub(super) struct Ready {
    pub fd: Option<u32>,
    pub kind: RedirKind,
    pub target: String,
}

impl Expander<'_> {
    /// Expands the targets.
    pub fn redirs(&mut self, redirs: &[Redir]) -> Expanded<Vec<Ready>> {
        let mut all = Vec::new();
        for redir in redirs {
            let target = match redir.kind {
                RedirKind::HereDoc => match redir.here.get() {
                    Some(word) => self.double(&word.parts)?,
                    None => String::new(),
                },
                RedirKind::HereString => self.single(&redir.target)? + "\n",
                _ => {
                    let mut words = Vec::new();
                    self.words(&redir.target, &mut words)?;
                    match words.len() {
                        1 => words.remove(0),
                        // An error that concerns this command alone: told when it is applied.
                        _ => format!("\u{0}{}", redir.target.raw),
                    }
                }
            };
            all.push(Ready { fd: redir.fd, kind: redir.kind, target });
        }
        Ok(all)
    }
}

impl<P: Clone + std::fmt::Debug> Task<P> {
    /// Applies redirections. With `restore`, a frame that undoes them is left on the stack. False after an error, which has been told.
    pub(super) fn redirect<M: Machine<Proc = P>>(
        &mut self,
        cx: &mut Cx<'_, M>,
        redirs: Vec<Ready>,
        restore: bool,
    ) -> bool {
        let mut saved = Vec::new();
        let inputs = self.inputs.len();
        let mut failed = None;
        for redir in redirs {
            let both = matches!(redir.kind, RedirKind::Both | RedirKind::BothAppend);
            let input = matches!(
                redir.kind,
                RedirKind::Read | RedirKind::ReadWrite | RedirKind::DupIn | RedirKind::HereString | RedirKind::HereDoc
            );
            let fd = redir.fd.unwrap_or(if input { 0 } else { 1 });
            match self.open(cx, &redir) {
                Ok(to) => {
                    saved.push((fd, self.env.fd(fd).cloned()));
                    self.env.set_fd(fd, to.clone());
                    if both {
                        saved.push((2, self.env.fd(2).cloned()));
                        self.env.set_fd(2, to);
                    }
                }
                Err(text) => {
                    failed = Some(text);
                    break;
                }
            }
        }
        let ok = failed.is_none();
        let frame = Frame::Redirs { saved, inputs };
        if let Some(text) = failed {
            self.leave(frame);
            self.complain(cx, &text);
        } else if restore {
            self.frames.push(frame);
        }
        ok
    }

    fn open<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, redir: &Ready) -> Result<Option<Fd>, String> {
        let target = redir.target.as_str();
        if let Some(raw) = target.strip_prefix('\u{0}') {
            return Err(format!("{raw}: ambiguous redirect"));
        }
        let text = |task: &mut Self, text: String| {
            task.inputs.push(Input { text: text.into(), at: 0 });
            Some(Fd::Input(task.inputs.len() - 1))
        };
        let failed = |e: FileError| format!("{target}: {e}");
        match redir.kind {
            RedirKind::HereDoc | RedirKind::HereString => Ok(text(self, redir.target.clone())),
            RedirKind::DupIn | RedirKind::DupOut => {
                if target == "-" {
                    return Ok(None);
                }
                let number = target.strip_suffix('-').unwrap_or(target);
                let Ok(from) = number.parse::<u32>() else { return Err(format!("{target}: ambiguous redirect")) };
                match self.env.fd(from) {
                    Some(to) => Ok(Some(to.clone())),
                    None => Err(format!("{target}: Bad file descriptor")),
                }
            }
            RedirKind::Read | RedirKind::ReadWrite => {
                let path = resolve(&self.env.cwd, target);
                match path.as_str() {
                    "/dev/null" => return Ok(Some(Fd::Null)),
                    "/dev/stdin" | "/dev/tty" => return Ok(self.env.fd(0).cloned()),
                    _ => {}
                }
                if target.is_empty() {
                    return Err(failed(FileError::NotFound));
                }
                let mut files = Overlay(&mut *cx.m);
                if redir.kind == RedirKind::ReadWrite && files.stat(&path).is_none() {
                    files.write(&path, "", false).map_err(failed)?;
                }
                let read = match files.read(&path) {
                    // Opening a directory for reading works; reading it does not.
                    Err(FileError::IsDirectory) => return Ok(Some(Fd::Null)),
                    read => read.map_err(failed)?,
                };
                Ok(text(self, read))
            }
            RedirKind::Write | RedirKind::Append | RedirKind::Both | RedirKind::BothAppend => {
                let path = resolve(&self.env.cwd, target);
                match path.as_str() {
                    "/dev/null" => return Ok(Some(Fd::Null)),
                    "/dev/stdout" | "/dev/tty" => return Ok(self.env.fd(1).cloned()),
                    "/dev/stderr" => return Ok(self.env.fd(2).cloned()),
                    _ => {}
                }
                if target.is_empty() {
                    return Err(failed(FileError::NotFound));
                }
                let mut files = Overlay(&mut *cx.m);
                let stat = files.stat(&path);
                if stat.is_some_and(|s| s.dir) || (target.ends_with('/') && stat.is_none()) {
                    return Err(failed(FileError::IsDirectory));
                }
                if files.is_virtual(&path) {
                    let words = [">".to_string(), path.clone()];
                    let status = u8::from(stat.is_none_or(|s| s.mode & 0o222 == 0));
                    let (line, out) = (self.env.line, &Output::new());
                    cx.m.ran(&Ran { line, source: &self.env.source, words: &words, status, out });
                    return match stat {
                        None => Err(failed(FileError::NotFound)),
                        Some(s) if s.mode & 0o222 == 0 => Err(failed(FileError::Denied)),
                        Some(_) => Ok(Some(Fd::File(path.into(), true))),
                    };
                }
                let append = matches!(redir.kind, RedirKind::Append | RedirKind::BothAppend);
                files.write(&path, "", append).map_err(failed)?;
                Ok(Some(Fd::File(path.into(), false)))
            }
        }
    }

    /// Writes to a descriptor.
    pub(super) fn write<M: Machine<Proc = P>>(
        &mut self,
        cx: &mut Cx<'_, M>,
        fd: u32,
        text: &str,
    ) -> Result<(), String> {
        match self.env.fd(fd).cloned() {
            None => return Err("Bad file descriptor".into()),
            Some(Fd::Out) => cx.sh.out.push(Stream::Stdout, text),
            Some(Fd::Err) => cx.sh.out.push(Stream::Stderr, text),
            Some(Fd::Null) => {}
            Some(Fd::Input(_)) => return Err("Bad file descriptor".into()),
            Some(Fd::Buffer(n)) => {
                let line = self.env.line;
                if let Some(buffer) = self.buffers.get_mut(n) {
                    buffer.push_str(text);
                    if buffer.len() > MAX_OUTPUT {
                        buffer.clear();
                        cx.sh.stop(format!(
                            "lvsim: line {line}: stopped: more than {} MiB in a pipe or a command substitution\n",
                            MAX_OUTPUT >> 20
                        ));
                    }
                }
            }
            Some(Fd::File(path, _)) => Overlay(&mut *cx.m).write(&path, text, true).map_err(|e| e.to_string())?,
        }
        Ok(())
    }

    /// Writes and does not mind if it cannot.
    pub(super) fn write_text<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, fd: u32, text: &str) {
        let _ = self.write(cx, fd, text);
    }

    /// The text behind a descriptor, and how far it was read.
    pub(super) fn pending(&self, fd: u32) -> (Arc<str>, usize) {
        match self.env.fd(fd) {
            Some(Fd::Input(n)) => self.inputs.get(*n).map_or_else(|| ("".into(), 0), |i| (i.text.clone(), i.at)),
            _ => ("".into(), 0),
        }
    }

    /// Notes that `n` bytes were read.
    pub(super) fn consume(&mut self, fd: u32, n: usize) {
        if let Some(Fd::Input(i)) = self.env.fd(fd)
            && let Some(input) = self.inputs.get_mut(*i)
        {
            input.at = (input.at + n).min(input.text.len());
        }
    }
}
