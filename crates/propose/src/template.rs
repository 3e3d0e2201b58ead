//! The kinds of experiment to start from.

use cliptune_experiment::TaskKind;

/// A kind of experiment to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Template {
    /// Ten rows, five epochs, an evaluation on what it trained on: the loop of the tutorial that cliptune grew out of
    Tutorial,
    /// Images and their captions, found by each other
    Retrieval,
    /// Images of classes, told from all classes of the data
    Classification,
    /// Images with several texts each, of which one is right
    Choice,
}

impl Template {
    /// Returns the kind of its items.
    pub fn kind(self) -> TaskKind {
        match self {
            Self::Tutorial | Self::Choice => TaskKind::Choice,
            Self::Retrieval => TaskKind::Pairs,
            Self::Classification => TaskKind::Classes,
        }
    }

    /// Returns the word that names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tutorial => "tutorial",
            Self::Retrieval => "retrieval",
            Self::Classification => "classification",
            Self::Choice => "choice",
        }
    }
}
