//! The tools behind `cliptune`.

use crate::support::{TestContext, output};

#[test]
fn arguments_and_exit_codes_pass_through() {
    let context = TestContext::empty();
    for tool in ["ingest", "train", "score", "report"] {
        let through = output(context.command("cliptune").args([tool, "--help"])).succeeded();
        let direct = output(context.command(&format!("cliptune-{tool}")).arg("--help")).succeeded();
        assert_eq!(through.stdout, direct.stdout);
        let wrong = context.cliptune(&format!("{tool} nowhere.yaml")).ended(2);
        assert!(wrong.stderr.contains("nowhere.yaml"), "{wrong}");
        context.cliptune(&format!("{tool} --flag-of-nobody")).ended(2);
    }
}

#[test]
fn a_libtorch_of_the_host_is_looked_at_first() {
    let context = TestContext::empty();
    // A libtorch that cannot be one: that the loader stumbles over it proves that it looked there.
    context.write("gpu/lib/libtorch_cpu.so", "no library");
    let mut command = context.command("cliptune");
    let failed = output(command.args(["train", "--help"]).env("LIBTORCH", context.path("gpu")));
    assert_ne!(failed.code, Some(0), "{failed}");
    assert!(failed.stderr.contains("gpu/lib/libtorch_cpu.so"), "{failed}");
}

#[test]
fn a_libtorch_that_is_not_there_is_named() {
    let context = TestContext::empty();
    context.write("empty/lib/libtorch.txt", "no library");
    for folder in ["nowhere", "empty"] {
        let mut command = context.command("cliptune");
        let failed = output(command.args(["train", "--help"]).env("LIBTORCH", context.path(folder))).ended(2);
        assert!(failed.stderr.contains(folder) && failed.stderr.contains("LIBTORCH"), "{failed}");
    }
}
