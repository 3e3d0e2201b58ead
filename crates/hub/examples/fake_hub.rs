//! The hub of the tests, for other clients: prints its address, and serves until its standard input ends.
//!
//! `scripts/references/hub_cache.py` lets Python's `huggingface_hub` fetch from it.

#![expect(dead_code, reason = "the tests use all of it")]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool of the tests")]

#[path = "../../web/tests/support/http.rs"]
mod http;
#[path = "../tests/it/repository.rs"]
mod repository;
#[path = "../tests/it/server.rs"]
mod server;

fn main() {
    let hub = server::FakeHub::start([repository::Repository::clip(), repository::Repository::sharded()]);
    println!("{}", hub.endpoint);
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}
