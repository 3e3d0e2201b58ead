//! A first experiment about somebody's own data.
//!
//! A [`Proposal`] is what was seen of images and a table, and what an experiment about them could say: for each part of it
//! [`Guesses`], each with its reason. Whoever looks at the data makes it; nothing here knows how. [`demo`] is the proposal about the
//! drawn contest, and a [`Draft`] writes a proposal as a file whose comments say what each key means and why it is there.

mod comment;
mod demo;
mod draft;
mod proposal;
mod scalar;
mod sections;
mod template;
mod words;

pub use demo::demo;
pub use draft::Draft;
pub use proposal::{Guess, Guesses, Parts, Proposal, SplitColumn, is_about};
pub use scalar::scalar;
pub use template::Template;
pub use words::{in_words, split_in_words};
