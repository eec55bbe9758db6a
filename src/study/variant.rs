//! What a study changes between runs: typed at the end of set-up, so that all else stays as the file has it.

use super::mode;
use crate::base::NodeId;
use crate::ipvs::Method;
use crate::ipvs::sched::{SCHEDULERS, find};
use crate::scenario::play::Play;
use crate::shell::ipvsadm::list::edit_line;
use std::sync::Arc;

/// One of the things that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// As the file has it.
    AsItIs,
    /// Every virtual service with this scheduler.
    Scheduler(&'static str),
    /// Every virtual service by this way to forward: NAT, direct routing or tunnelling.
    Mode(Method),
}

/// Lines to be typed, by host.
pub type Lines = Vec<(NodeId, Vec<Arc<str>>)>;

impl Variant {
    /// Its name in tables.
    pub fn name(&self) -> &'static str {
        match self {
            Variant::AsItIs => "as it is",
            Variant::Scheduler(name) => name,
            Variant::Mode(mode) => mode::name(*mode),
        }
    }

    /// What is to be typed.
    ///
    /// # Errors
    /// A sentence that says why the scenario cannot have this variant.
    pub fn lines(&self, play: &Play<'_>) -> Result<Lines, String> {
        match self {
            Variant::AsItIs => Ok(Lines::new()),
            _ if !has_services(play) => {
                Err("no host has a virtual service at the end of set-up: nothing to compare".into())
            }
            Variant::Scheduler(name) => Ok(edits(play, name)),
            Variant::Mode(mode) => mode::lines(play, *mode),
        }
    }
}

fn has_services(play: &Play<'_>) -> bool {
    play.world.nodes.iter().filter_map(|n| n.host()).any(|h| h.ipvs.services().next().is_some())
}

/// What is to be typed on each host that has virtual services.
fn edits(play: &Play<'_>, scheduler: &str) -> Lines {
    let hosts = play.world.nodes.iter().enumerate().filter_map(|(i, n)| Some((NodeId(i as u32), n.host()?)));
    let lines = hosts.map(|(id, host)| {
        let lines = host.ipvs.services().map(|s| Arc::from(edit_line(&s, scheduler).as_str()));
        (id, lines.collect::<Vec<Arc<str>>>())
    });
    lines.filter(|(_, lines)| !lines.is_empty()).collect()
}

/// The schedulers of a list such as `rr,wlc`, each once.
///
/// # Errors
/// A sentence that names an unknown one, or one that stands twice.
pub fn schedulers(list: &str) -> Result<Vec<Variant>, String> {
    let mut found = Vec::new();
    for word in list.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        let Some(row) = find(word) else {
            let names: Vec<&str> = SCHEDULERS.iter().map(|r| r.name).collect();
            return Err(format!("`{word}` is no scheduler; there are {}", names.join(", ")));
        };
        if found.contains(&Variant::Scheduler(row.name)) {
            return Err(format!("`{word}` stands twice"));
        }
        found.push(Variant::Scheduler(row.name));
    }
    match found.is_empty() {
        true => Err("name a scheduler, such as `rr,wlc`".into()),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;
    use crate::engine::world::Limits;
    use crate::scenario::{Names, load};
    use crate::trace::Tracer;

    #[test]
    fn only_the_scheduler_of_a_service_changes() {
        let text = "lvsim: 1\nnodes:\n  d:\n    kind: director\n    run: |\n      \
                    ipvsadm -A -t 10.0.0.2:80 -s sh -p 300 -M 255.255.255.0 -b sh-fallback\n      ipvsadm -A -f 7 -s rr\n";
        let one = load("one.yaml", text, &[], &Names::default()).expect("a good scenario").scenario;
        let mut tracer = Tracer::off();
        let play = Play::set_up(&one, Seed(1), Limits::default(), None, &mut tracer, &mut |_, _| true);
        let play = play.map_err(|early| early.1).expect("set-up");
        let lines: Vec<String> = edits(&play, "mh").iter().flat_map(|e| &e.1).map(|l| l.to_string()).collect();
        assert_eq!(
            lines,
            ["ipvsadm -E -f 7 -s mh", "ipvsadm -E -t 10.0.0.2:80 -s mh -p 300 -M 255.255.255.0 -b mh-fallback"]
        );
    }

    #[test]
    fn what_cannot_be_compared_is_told() {
        assert!(schedulers("rr,wlx").expect_err("no such").contains("wlx"));
        assert!(schedulers("rr,rr").is_err() && schedulers("").is_err());
        assert_eq!(schedulers("wlc, rr"), Ok(vec![Variant::Scheduler("wlc"), Variant::Scheduler("rr")]));
        let bare = "lvsim: 1\nnodes: { a: { kind: host } }\n";
        let bare = load("bare.yaml", bare, &[], &Names::default()).expect("a good scenario").scenario;
        let mut tracer = Tracer::off();
        let play = Play::set_up(&bare, Seed(1), Limits::default(), None, &mut tracer, &mut |_, _| true);
        let play = play.map_err(|early| early.1).expect("set-up");
        let lines = Variant::Scheduler("rr").lines(&play);
        assert!(lines.is_err_and(|why| why.contains("no host has a virtual service")));
        assert_eq!(Variant::AsItIs.lines(&play), Ok(Vec::new()));
    }
}
