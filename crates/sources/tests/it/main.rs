//! Fetches from servers on the loopback: ones that fail on purpose, and stand-ins for the stores.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod buckets;
mod cache;
#[path = "../../../web/tests/support/http.rs"]
#[expect(dead_code, reason = "other crates' tests use the rest")]
mod http;
mod parts;
mod stand_in;
mod stores;
mod support;
mod web;
