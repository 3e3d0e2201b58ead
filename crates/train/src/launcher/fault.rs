//! Why a training on several processes ended.

use std::fmt;

use cliptune_terminal::format::in_one_line;
use cliptune_terminal::{Diagnostic, Exit};
use serde::{Deserialize, Serialize};

use super::card::Card;

/// What a process of a group tells the others before it ends, or what is told of one that has said nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The process in words, with its rank.
    who: String,
    message: String,
    hint: Option<String>,
    exit: u8,
}

impl Fault {
    /// Describes an error of a process.
    pub(super) fn of(card: &Card, error: &dyn Diagnostic) -> Self {
        let message = format!(": {}", in_one_line(error));
        Self { who: card.to_string(), message, hint: error.hint(), exit: error.exit().code() }
    }

    /// Checks whether it is a process's own.
    pub(super) fn is_of(&self, card: &Card) -> bool {
        self.who == card.to_string()
    }

    /// Describes a process that has ended, and told nobody why.
    pub(super) fn silent(card: &Card) -> Self {
        Self::unexpected(card.to_string(), " has ended without a word".to_owned())
    }

    /// Describes a process that nothing was heard of for a while.
    pub(super) fn unheard(card: &Card, seconds: u64) -> Self {
        let message = format!(" has not been heard of for {seconds} s");
        Self::unexpected(card.to_string(), message)
    }

    /// Describes a store that does not answer any more.
    pub(super) fn lost(place: &str) -> Self {
        let who = format!("the store at {place}, in which the processes meet,");
        Self::unexpected(who, " does not answer any more".to_owned())
    }

    fn unexpected(who: String, message: String) -> Self {
        let hint = "see what it has written last and what the system's log says (somebody may have killed it, or memory may have run \
                    out); the same command goes on from the last checkpoint";
        Self { who, message, hint: Some(hint.to_owned()), exit: Exit::Failed.code() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.who, self.message)
    }
}

impl std::error::Error for Fault {}

impl Diagnostic for Fault {
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    fn exit(&self) -> Exit {
        Exit::from_code(self.exit.into())
    }
}
