//! Shows joined rows and rejects: in the terminal with their pictures, as a page, or as JSON.
//!
//! [`Request`] is what the command line asks for, [`Samples`] is what was found, and [`show`] writes it to stdout. Whoever
//! joins the data fills in the samples; nothing here knows how.

mod json;
mod page;
mod picture;
mod request;
mod sample;
mod show;
mod text;
mod words;

pub use picture::data_uri;
pub use request::Request;
pub use sample::{Outcome, Place, ReadImage, Row, Sample, SampleImage, Samples, Texts};
pub use show::show;

#[cfg(test)]
mod tests;
