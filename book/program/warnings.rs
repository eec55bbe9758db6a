//! What mdBook finds wrong and builds on all the same: an include of a file that is not there, a tag without an end.
//! Here it counts as a failure. mdBook tells it by `tracing`; this is the smallest listener.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

#[derive(Clone, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Listens for as long as `work` goes on; gives what it gave, and what was told.
    pub fn of<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
        let warnings = Warnings::default();
        let done = tracing::subscriber::with_default(warnings.clone(), work);
        let told = std::mem::take(&mut *warnings.0.lock().unwrap_or_else(PoisonError::into_inner));
        (done, told)
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let name = if field.name() == "message" { String::new() } else { format!(" {}=", field.name()) };
        // Writing into a String cannot fail.
        let _ = write!(self.0, "{name}{value:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_and_errors_are_heard_and_nothing_else() {
        let (four, told) = Warnings::of(|| {
            tracing::info!("all is well");
            tracing::warn!("no file {}", "a.md");
            tracing::error!(line = 3, "worse");
            4
        });
        assert_eq!((four, told), (4, vec!["no file a.md".to_string(), "worse line=3".to_string()]));
    }
}
