//! Fetches as they happen to people: over HTTP, from a hub on the loopback that can misbehave.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod at_once;
mod cache;
mod hostile;
mod interrupted;
mod layout;
mod repository;
mod server;
mod support;
