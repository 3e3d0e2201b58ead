//! Charts, pages and tables that compare runs.
//!
//! A report is made in two steps. [`summary`] reads runs into [`data::ReportData`], which is plain data and never
//! changes; [`render`](render::render) turns that into files and touches nothing else. Everything that can be seen is
//! therefore a function that can be tried without a store.

pub mod charts;
pub mod cli;
pub mod data;
mod error;
mod foreign;
mod json;
mod markdown;
mod occupant;
mod outcomes;
mod overview;
mod page;
mod precisions;
mod provenance;
mod publish;
pub mod render;
mod request;
mod results;
mod retrieval;
mod select;
mod settings;
pub mod summary;
mod words;

pub use error::ReportError;
pub use outcomes::{ComparedSide, Outcomes, outcomes_page};
pub use publish::{is_fresh, publish};
pub use request::{Options, Request};
pub use words::headline;
