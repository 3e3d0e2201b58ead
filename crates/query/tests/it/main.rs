//! Runs as tables: what is found, what is left out, what is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod closed;
mod damage;
mod drawn;
mod listing;
mod rows;
mod support;
mod views;
mod world;
