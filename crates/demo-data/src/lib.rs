//! Draws cliptune's own caption contest: cartoons and a table about them.
//!
//! A contest has the shape of the New Yorker caption-contest corpus: grayscale cartoons; captions, each of which is the
//! answer to one question and a wrong option in four others; rows for three times two annotators; and folds that share
//! nothing. Everything is drawn from a seed, so that no file needs to be shipped or downloaded.

mod canvas;
mod characters;
mod contest;
mod curve;
mod error;
mod folder;
mod hatch;
mod note;
mod pen;
mod plan;
mod props;
mod questions;
mod rows;
mod scene;
mod settings;
mod sketch;
mod table;
mod words;

pub use contest::{ContestOptions, ContestSummary, MAX_CARTOONS, MIN_CARTOONS, draw_contest};
pub use error::Error;
pub use plan::FOLDS;
pub use questions::OPTIONS;
