//! Loads files as a user would.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod defaults;
mod demo;
mod files;
mod hostile;
mod overrides;
mod portable;
mod references;
mod schema;
mod settings;
mod support;
