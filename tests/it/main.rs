//! Whole-tool tests: the real programs, on a drawn contest, in a store of their own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod classes;
mod commands;
mod compare;
mod damage;
mod data;
mod distributed;
mod doctor;
#[path = "../../crates/query/tests/it/drawn.rs"]
mod drawn;
mod dry_run;
mod exchange_export;
mod exit_codes;
mod export;
mod fetch;
mod full_disk;
#[path = "../../crates/web/tests/support/http.rs"]
#[expect(dead_code, reason = "the tests of sources and of the hub use all of it")]
mod http;
mod import;
mod jobs;
mod least;
mod lifecycle;
mod mistakes;
mod moved;
mod new;
mod new_yorker;
mod nothing_is_sent;
mod out_of_memory;
mod outputs;
mod packed;
mod pipeline;
mod plan;
mod precisions;
mod reference;
mod remote;
mod reports;
#[path = "../../crates/hub/tests/it/repository.rs"]
#[expect(dead_code, reason = "the hub's own tests use all of it")]
mod repository;
mod runs;
mod sample;
#[path = "../../crates/hub/tests/it/server.rs"]
#[expect(dead_code, reason = "the hub's own tests use all of it")]
mod server;
mod siblings;
mod signals;
mod slurm;
mod slurm_here;
mod soup;
#[path = "../../crates/sources/tests/it/stand_in.rs"]
mod stand_in;
mod support;
mod torture;
mod twice;
mod using;
