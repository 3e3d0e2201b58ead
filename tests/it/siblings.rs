//! The tools behind `cliptune`.

use std::process::Command;

use crate::support::{TestContext, output, program};

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
    for (program, arguments) in [("cliptune", &["train", "x.yaml"][..]), ("cliptune-train", &["x.yaml"])] {
        let mut command = context.command(program);
        let failed = output(command.args(arguments).env("LIBTORCH", context.path("gpu")));
        assert_ne!(failed.code, Some(0), "{failed}");
        assert!(failed.stderr.contains("gpu/lib/libtorch_cpu.so"), "{failed}");
    }
}

#[test]
fn a_program_that_gets_no_search_path_does_not_start_itself_again_for_ever() {
    let context = TestContext::empty();
    context.write("gpu/lib/libtorch_cpu.so", "no library");
    // As the loader does it where the program has capabilities: the search path is gone, and the mark is not.
    let again = |argument: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "export CLIPTUNE_TRAIN_STARTED_AGAIN=$$; exec \"$0\" \"$1\""]);
        shell.arg(program("cliptune-train")).arg(argument);
        output(shell.current_dir(context.path("")).env("LIBTORCH", context.path("gpu")).env("NO_COLOR", "1"))
    };
    again("--help").succeeded();
    let failed = again("x.yaml").ended(1);
    assert!(
        failed.stderr.contains("cannot start itself again with the libtorch that LIBTORCH names"),
        "{failed}"
    );
    assert!(failed.stderr.contains("hint: the loader takes LD_LIBRARY_PATH away"), "{failed}");
    // The mark of another process, such as the one that has started this one, says nothing of this one.
    let mut command = context.command("cliptune-train");
    command.arg("x.yaml").env("LIBTORCH", context.path("gpu")).env("CLIPTUNE_TRAIN_STARTED_AGAIN", "1");
    let failed = output(&mut command);
    assert!(failed.stderr.contains("gpu/lib/libtorch_cpu.so"), "{failed}");
}

#[test]
fn a_libtorch_that_is_not_there_is_named() {
    let context = TestContext::empty();
    context.write("empty/lib/libtorch.txt", "no library");
    for folder in ["nowhere", "empty"] {
        for (program, arguments) in [("cliptune", &["train", "x.yaml"][..]), ("cliptune-train", &["x.yaml"])]
        {
            let mut command = context.command(program);
            let failed = output(command.args(arguments).env("LIBTORCH", context.path(folder))).ended(2);
            assert!(failed.stderr.contains(folder) && failed.stderr.contains("LIBTORCH"), "{failed}");
            assert!(failed.stderr.contains("hint: "), "{failed}");
        }
        for asked in ["--help", "--version"] {
            let mut command = context.command("cliptune");
            output(command.args(["train", asked]).env("LIBTORCH", context.path(folder))).succeeded();
        }
    }
}

#[test]
fn a_libtorch_that_is_not_there_is_the_same_mistake_for_every_command() {
    let context = TestContext::new();
    let nowhere = context.path("nowhere");
    for arguments in [&["run", "experiments/base.yaml"][..], &["train", "experiments/base.yaml"]] {
        let mut command = context.command("cliptune");
        let failed = output(command.args(arguments).env("LIBTORCH", &nowhere)).ended(2);
        assert!(failed.stderr.contains("there is no libtorch in"), "{failed}");
    }
    assert!(context.runs("base").is_empty(), "nothing was trained");
}
