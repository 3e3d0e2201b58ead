//! Fetches as they happen to people: over HTTP, from a hub on the loopback that can misbehave.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod at_once;
mod cache;
mod hostile;
#[path = "../../../web/tests/support/http.rs"]
#[expect(dead_code, reason = "other crates' tests use the rest")]
mod http;
mod interrupted;
mod layout;
mod repository;
mod server;
mod support;
