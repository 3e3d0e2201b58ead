//! What the tests share.

mod context;
mod experiments;
mod output;
mod programs;
mod together;
mod watch;

pub(crate) use context::{TestContext, output, wait_for};
pub(crate) use output::Output;
pub(crate) use programs::{checkout, program};
pub(crate) use together::{Together, free_port, one_of};
pub(crate) use watch::Watched;

/// Compares what a person sees with what the test says they see.
macro_rules! assert_output {
    ($context:expr, $output:expr, @$snapshot:literal) => {{
        let settings = $context.settings();
        let _bound = settings.bind_to_scope();
        insta::assert_snapshot!($output.to_string(), @$snapshot);
    }};
}
pub(crate) use assert_output;
