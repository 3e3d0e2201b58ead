//! What the command line asks for.

use cliptune_pictures::Mode;
use cliptune_terminal::positive;
use serde::{Deserialize, Serialize};

/// The number of samples without `--limit`.
const LIMIT: &str = "3";

/// What the command line asks for.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Request {
    /// Show rows for which this SQL is true: over the columns of the table and over file, as data.where is
    #[arg(long = "where", value_name = "SQL", conflicts_with = "rejects")]
    pub filter: Option<String>,

    /// Show at most this many
    #[arg(long, value_name = "N", default_value = LIMIT, value_parser = positive::<u32>)]
    pub limit: u32,

    /// Draw them at random, the same ones each time for a seed [default: the first ones of the table]
    #[arg(long, value_name = "N")]
    pub seed: Option<u32>,

    /// Show what was rejected for this reason, or a part of it that only this reason has; without one, list the reasons
    #[arg(long, value_name = "REASON", num_args = 0..=1, default_missing_value = "")]
    pub rejects: Option<String>,

    /// Write a page for a browser to standard output, one file with its pictures
    #[arg(long, conflicts_with = "json")]
    pub html: bool,

    /// How to show pictures in the terminal
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub pictures: Mode,
}
