//! `lvsim lab`: a shell on the simulated hosts. At a terminal with a line editor, else line by line from stdin or a file, as
//! a transcript.

use super::exit::{self, Failure};
use super::simulation::{catch_interrupts, interrupted, take_interrupt};
use super::ui::Ui;
use super::{input, out};
use lvsim::base::{SimTime, Span};
use lvsim::lang::Text;
use lvsim::study::lab::commands::{self, Reply, told};
use lvsim::study::lab::complete::complete;
use lvsim::study::lab::elsewhere;
use lvsim::study::lab::line::{Said, read};
use lvsim::study::lab::{Advance, LINE, Session};
use lvsim::text;
use rustyline::completion::Completer;
use rustyline::config::CompletionType;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};
use std::cell::RefCell;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Work on the simulated hosts
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim lab scenarios/dr.yaml
  lvsim lab scenarios/arp-problem.yaml < commands.txt > transcript.txt
  lvsim lab scenarios/nat.yaml --script commands.txt

At the prompt: the commands of a Linux host; ssh rs1 and exit to change hosts; Tab completes.
  :run 5s   let time pass          :back     undo the last command, exactly
  :step     one frame              :why      what is wrong
  :save my-lab.yaml                :help     everything else

Time stands still at the prompt and passes while a command needs it: at a terminal as on the wall, or
--pace times as fast; :run does not wait. A command that waits for others
for ever, such as tcpdump, is ended when nobody has anything to do any more;
of a script or a pipe also one that has not ended after an hour, such as ping.")]
pub struct Args {
    /// The scenario
    #[arg(value_name = "FILE")]
    file: String,
    /// Read what is typed from this file instead of stdin
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Draw other random numbers than the scenario's own seed gives
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Change a key of the file, such as `traffic.web.connections=50`; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Keep the lines that were typed in this file, for the next session; at a terminal only
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// At a terminal, let time pass so many times as fast as on the wall while a command runs; 0: as fast as it goes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pace: u32,
    /// Print no prompts and not what is typed, but what it prints
    #[arg(long, short)]
    quiet: bool,
}

/// Events between two looks at the keyboard and at what was printed.
const SLICE: u64 = 5_000;

/// How far simulated time may be ahead of the wall's.
const AHEAD: Duration = Duration::from_millis(20);

#[expect(clippy::disallowed_methods, reason = "the pace is the user's time; no result depends on it")]
fn now() -> Instant {
    Instant::now()
}

/// How time passes while a command runs.
#[derive(Clone, Copy)]
enum Passing {
    /// Somebody sits at a terminal: so many times as fast as on the wall, 0 as fast as it goes.
    Watched(u32),
    /// Nobody does: as fast as it goes, and after [`LINE`] Ctrl-C.
    Alone,
}

/// What a line led to.
#[derive(PartialEq)]
enum Next {
    Prompt,
    Leave,
}

impl Args {
    /// Until `:quit`, the last `exit`, or the end of what is typed.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        if self.file == "-" {
            return Err(Failure::usage("the scenario cannot be stdin, which is the keyboard; name a file"));
        }
        let loaded = input::load(&self.file, &self.set, ui)?;
        catch_interrupts()?;
        let opened = Session::open(&loaded.scenario, &loaded.text, self.seed, &mut |_, _| !interrupted());
        let session = opened.map_err(|why| Failure { code: exit::LIMIT, message: ui.say(&why) })?;
        let mut session = session;
        session.speak(ui.langs.people);
        let session = Rc::new(RefCell::new(session));
        match &self.script {
            None if std::io::stdin().is_terminal() => self.at_a_terminal(&session, ui)?,
            None => {
                let mut text = String::new();
                std::io::stdin()
                    .lock()
                    .read_to_string(&mut text)
                    .map_err(|e| Failure::usage(format!("cannot read stdin: {e}")))?;
                self.transcript(&text, &session, ui)?;
            }
            Some(file) => {
                let text = input::read(&file.to_string_lossy())?;
                self.transcript(&text, &session, ui)?;
            }
        }
        Ok(exit::SUCCESS)
    }

    /// Line by line, each shown behind the prompt as if it had been typed.
    fn transcript(&self, text: &str, session: &Rc<RefCell<Session<'_>>>, ui: &mut Ui) -> Result<(), Failure> {
        let mut typed = String::new();
        for line in text.lines() {
            if !self.quiet {
                let prompt = if typed.is_empty() { session.borrow().prompt() } else { "> ".to_string() };
                ui.out.line(&format!("{prompt}{line}"))?;
            }
            typed.push_str(line);
            typed.push('\n');
            let said = read(&typed);
            if said == Said::Unfinished {
                continue;
            }
            typed.clear();
            if act(said, &mut session.borrow_mut(), Passing::Alone, ui)? == Next::Leave || ui.out.closed() {
                return Ok(());
            }
        }
        match typed.is_empty() {
            true => Ok(()),
            false => act(Said::Shell(typed), &mut session.borrow_mut(), Passing::Alone, ui).map(|_| ()),
        }
    }

    fn at_a_terminal(&self, session: &Rc<RefCell<Session<'_>>>, ui: &mut Ui) -> Result<(), Failure> {
        let broken = |e: ReadlineError| Failure::usage(format!("the terminal cannot be used: {e}"));
        let config = Config::builder().completion_type(CompletionType::List).auto_add_history(false).build();
        let mut editor: Editor<Keys<'_>, DefaultHistory> = Editor::with_config(config).map_err(broken)?;
        editor.set_helper(Some(Keys { session: session.clone() }));
        if let Some(file) = &self.history
            && file.exists()
        {
            editor.load_history(file).map_err(broken)?;
        }
        if !self.quiet {
            let begins = ui.say(&text!("lab-begins"));
            ui.out.line(&begins)?;
        }
        let mut typed = String::new();
        loop {
            ui.out.finish()?;
            let prompt = if typed.is_empty() { session.borrow().prompt() } else { "> ".to_string() };
            match editor.readline(&prompt) {
                Ok(line) => {
                    typed.push_str(&line);
                    typed.push('\n');
                }
                // Ctrl-C at the prompt throws away what was typed; Ctrl-D leaves the shell.
                Err(ReadlineError::Interrupted) => {
                    typed.clear();
                    continue;
                }
                Err(ReadlineError::Eof) if typed.is_empty() => typed.push_str("exit\n"),
                Err(ReadlineError::Eof) => {}
                Err(e) => return Err(broken(e)),
            }
            let said = read(&typed);
            if said == Said::Unfinished {
                continue;
            }
            let _ = editor.add_history_entry(typed.trim_end());
            typed.clear();
            take_interrupt();
            if act(said, &mut session.borrow_mut(), Passing::Watched(self.pace), ui)? == Next::Leave {
                break;
            }
        }
        if let Some(file) = &self.history {
            editor.save_history(file).map_err(broken)?;
        }
        Ok(())
    }
}

/// Does what was typed and prints what comes of it.
fn act(said: Said, session: &mut Session<'_>, passing: Passing, ui: &mut Ui) -> Result<Next, Failure> {
    let passing = match passing {
        Passing::Watched(_) if !matches!(said, Said::Shell(_) | Said::There(..)) => Passing::Watched(0),
        _ => passing,
    };
    let reply = match said {
        Said::Nothing | Said::Unfinished => return Ok(Next::Prompt),
        Said::Shell(text) => {
            session.type_text(&text);
            Ok(Reply::Started)
        }
        Said::Ssh(host) => match commands::on(session, &host) {
            Err(_) => Err(Text::plain(format!("ssh: Could not resolve hostname {host}: Name or service not known"))),
            went => went,
        },
        Said::There(host, command) => elsewhere::ssh(session, &host, &command),
        Said::Copy(files, host, path) => elsewhere::scp(session, &files, &host, &path),
        Said::Lab(name, rest) => commands::run(session, &name, &rest),
    };
    match reply {
        Ok(Reply::Started) => {
            go_on(session, passing, ui)?;
            ui.out.text(&told(session))?;
        }
        Ok(Reply::Text(text)) => ui.out.text(&text)?,
        Ok(Reply::Save { file, text, note }) => {
            out::write_file(Path::new(&file), text.as_bytes())?;
            ui.out.line(&note)?;
        }
        Ok(Reply::Quit) => return Ok(Next::Leave),
        // Part of the session, as a shell's complaints are.
        Err(why) => {
            let why = ui.say(&why);
            ui.out.line(&why)?;
        }
    }
    Ok(if session.over() { Next::Leave } else { Next::Prompt })
}

/// Lets what was begun come to its end, and prints while it goes on.
fn go_on(session: &mut Session<'_>, passing: Passing, ui: &mut Ui) -> Result<(), Failure> {
    let (clock, from) = (now(), session.now());
    let late = from + LINE;
    loop {
        let moment = match passing {
            Passing::Watched(0) => SimTime::NEVER,
            Passing::Alone if session.passing() => SimTime::NEVER,
            Passing::Alone => late,
            Passing::Watched(pace) => {
                from + Span(((clock.elapsed() + AHEAD).as_nanos() as u64).saturating_mul(u64::from(pace)))
            }
        };
        let advance = session.advance_until(SLICE, moment);
        for spoken in session.output() {
            if spoken.foreground {
                ui.out.text(&spoken.text)?;
            } else {
                let name = session.scenario().node_name(spoken.node);
                for line in spoken.text.lines() {
                    ui.out.line(&format!("{name}: {line}"))?;
                }
            }
        }
        match advance {
            Advance::Done => return Ok(()),
            // The terminal has shown the ^C itself.
            Advance::Busy if take_interrupt() => session.interrupt(),
            Advance::Busy if matches!(passing, Passing::Alone) && !session.passing() && session.now() >= late => {
                ui.out.line("^C")?;
                session.interrupt();
            }
            Advance::Busy => {
                ui.out.finish()?;
                if session.now() >= moment {
                    std::thread::sleep(AHEAD);
                }
            }
            Advance::Idle => {
                ui.out.line("^C")?;
                session.interrupt();
            }
            Advance::Limit(what) => {
                ui.error(&ui.say(&text!("lab-limit", what)));
                return Ok(());
            }
        }
    }
}

/// What the line editor asks: completion.
struct Keys<'s> {
    session: Rc<RefCell<Session<'s>>>,
}

impl Completer for Keys<'_> {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(&self.session.borrow(), line, at))
    }
}

impl Hinter for Keys<'_> {
    type Hint = String;
}
impl Highlighter for Keys<'_> {}
impl Validator for Keys<'_> {}
impl Helper for Keys<'_> {}
