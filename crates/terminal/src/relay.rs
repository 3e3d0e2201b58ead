//! What a program says to the program that started it, which shows it to the person.
//!
//! A program that is started with [`RELAY`] in its environment writes each message to stderr as one line of JSON. So the
//! program that started it can show the progress of several programs in one place, say which of them a warning is about,
//! and say it once. Lines that are no message come from libraries and from crashes.

use std::env;
use std::io::{self, Write};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::diagnostic::ErrorDocument;

/// The variable that makes a program write its messages as JSON. Only `cliptune run` sets it, for the programs that it
/// starts.
pub const RELAY: &str = "CLIPTUNE_RELAY";

/// The shortest time between two messages about the progress of one step, as often as a terminal is redrawn.
const INTERVAL: Duration = Duration::from_millis(100);

static RELAYED: LazyLock<bool> = LazyLock::new(|| env::var_os(RELAY).is_some());

/// What a program says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// It says what is going on.
    Status {
        /// The text.
        text: String,
    },
    /// It says what a person wants to know at once, even among many programs, such as what it waits for.
    Notice {
        /// The text.
        text: String,
    },
    /// It warns.
    Warning {
        /// The text.
        text: String,
    },
    /// Something failed.
    Error(ErrorDocument),
    /// A long step goes on.
    Progress(Position),
}

/// How far a long step is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// What the step is called.
    pub label: String,
    /// The amount that is done.
    pub done: u64,
    /// The amount that there is to do; 0 when it is unknown.
    pub total: u64,
    /// The noun for one of what is counted, or `bytes`.
    pub unit: String,
    /// The state of the work in words.
    pub message: String,
    /// Whether the step has ended.
    #[serde(default)]
    pub ended: bool,
}

impl Message {
    /// Reads a line that a program wrote to stderr, or returns `None` if it is no message.
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

/// Checks whether another program shows what this one says.
pub(crate) fn is_relayed() -> bool {
    *RELAYED
}

/// Writes a message for the program that started this one.
pub(crate) fn send(message: &Message) {
    if let Ok(mut line) = serde_json::to_vec(message) {
        line.push(b'\n');
        // If the other program is gone, there is nowhere left to report that.
        let _ = io::stderr().lock().write_all(&line);
    }
}

/// The progress of a step that another program shows.
#[derive(Debug)]
pub(crate) struct Relayed(Mutex<State>);

#[derive(Debug)]
struct State {
    position: Position,
    sent: Option<Instant>,
}

impl Relayed {
    pub(crate) fn start(label: &str, total: u64, unit: &str) -> Self {
        let (label, unit, message) = (label.to_owned(), unit.to_owned(), String::new());
        Self(Mutex::new(State {
            position: Position { label, done: 0, total, unit, message, ended: false },
            sent: None,
        }))
    }

    pub(crate) fn advance(&self, by: u64) {
        self.change(|position| position.done = position.done.saturating_add(by));
    }

    pub(crate) fn set(&self, done: u64) {
        self.change(|position| position.done = done);
    }

    /// The message is sent with the next amount.
    pub(crate) fn message(&self, text: &str) {
        text.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).position.message);
    }

    /// Sends how far the step got.
    pub(crate) fn finish(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.position.ended = true;
        send(&Message::Progress(state.position.clone()));
    }

    fn change(&self, change: impl FnOnce(&mut Position)) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state.position);
        let now = Instant::now();
        if state.sent.is_none_or(|sent| now.duration_since(sent) >= INTERVAL) {
            state.sent = Some(now);
            send(&Message::Progress(state.position.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Failure;

    #[test]
    fn a_message_survives_its_way_and_other_lines_are_none() {
        let failure =
            Failure::new("it failed\nbadly").with_hint("do better").caused_by(Failure::new("a cause"));
        let position = Position {
            label: "tuned s0".to_owned(),
            done: 3,
            total: 7,
            unit: "step".to_owned(),
            message: "loss 2".to_owned(),
            ended: false,
        };
        let messages = [
            Message::Status { text: "a\u{1b}\n\"b\"".to_owned() },
            Message::Notice { text: String::new() },
            Message::Warning { text: "w".to_owned() },
            Message::Error(ErrorDocument::of(&failure)),
            Message::Progress(position),
        ];
        for message in messages {
            let line = serde_json::to_string(&message).expect("it is JSON");
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(Message::parse(&line), Some(message));
        }
        for line in ["", "terminate called", "{}", "{\"kind\":\"order\"}", "[1]"] {
            assert_eq!(Message::parse(line), None, "{line}");
        }
    }
}
