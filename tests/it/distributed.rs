//! One training on several processes, as torchrun and srun start them: the same results, one run, and one end for all.

mod joining;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cliptune_random::Random;
use cliptune_store::{Event, read_events};
use fs_err as fs;
use rustix::process::Signal;

use crate::signals::LONG;
use crate::support::{Output, TestContext, Together, free_port, one_of, output, program, wait_for};

/// The experiment of most tests.
pub(crate) const BASE: &str = "experiments/base.yaml";
/// The time within which a process that dies has ended all others. It is a promise, and no measurement.
const END: Duration = Duration::from_secs(30);

/// A contest whose base has its dataset.
fn ingested() -> TestContext {
    let context = TestContext::new();
    context.cliptune(&format!("ingest {BASE}")).succeeded();
    context
}

/// Where a run was continued: after which step, and by how many processes if they were several.
pub(crate) type Resumed = (usize, Option<usize>);

/// The steps in the log of a run with their losses, in the order in which they were taken, and where it was continued.
pub(crate) fn logged(run: &Path) -> (Vec<(usize, f64)>, Vec<Resumed>) {
    let (mut steps, mut resumed) = (Vec::new(), Vec::new());
    let Ok(read) = read_events(&run.join("events.jsonl")) else { return (steps, resumed) };
    for stamped in read.events {
        match stamped.event {
            Event::Step { step, loss, .. } => steps.push((step, loss)),
            Event::Resumed { step, processes } => resumed.push((step, processes)),
            _ => {}
        }
    }
    (steps, resumed)
}

/// Waits until the only run of the base has taken so many steps.
pub(crate) fn wait_for_steps(context: &TestContext, steps: usize) {
    wait_for("step", || {
        let run = context.runs("base").pop()?;
        (logged(&run).0.last()?.0 >= steps).then_some(())
    });
}

/// Two logs have the same losses to rounding, up to a step: what is added up in another order differs in its last bits, and each
/// update passes the difference on.
fn assert_same_losses(one: &[(usize, f64)], other: &[(usize, f64)], last: usize) {
    assert!(one.len() >= last && other.len() >= last, "{} and {} steps", one.len(), other.len());
    for step in 1..=last {
        let of = |log: &[(usize, f64)]| log.iter().rev().find(|(taken, _)| *taken == step).unwrap().1;
        let (one, other) = (of(one), of(other));
        assert!((one - other).abs() <= 2e-3 * one.abs(), "step {step}: {one} and {other}");
    }
}

/// The lines that tell of an error, of all processes.
fn errors(outputs: &[Output]) -> Vec<String> {
    let lines = outputs.iter().flat_map(|output| output.stderr.lines());
    lines.filter(|line| line.starts_with("error: ")).map(str::to_owned).collect()
}

/// All of them ended with a code, one of them told why, and what it told is returned.
pub(crate) fn assert_told_once(outputs: &[Output], code: i32) -> String {
    assert!(outputs.iter().all(|output| output.code == Some(code)), "{outputs:#?}");
    let errors = errors(outputs);
    assert_eq!(errors.len(), 1, "{outputs:#?}");
    errors[0].clone()
}

#[test]
fn two_and_four_processes_come_to_the_results_of_one_and_make_one_run() {
    let alone = ingested();
    alone.cliptune(&format!("train {BASE}")).succeeded();
    let (losses, _) = logged(&alone.only_run("base"));
    for world in [2, 4] {
        let context = ingested();
        let outputs = Together::start(&context, world, BASE).succeeded();
        assert!(outputs[0].stderr.contains("base/"), "{outputs:#?}");
        assert!(outputs[1..].iter().all(|output| !output.stderr.contains("base")), "{outputs:#?}");
        let run = context.only_run("base");
        assert_same_losses(&losses, &logged(&run).0, losses.len());
        assert_eq!(context.statuses("base"), ["done"]);
        let id = format!("base/{}", run.file_name().unwrap().to_str().unwrap());
        let shown = context.cliptune(&format!("show {id}")).succeeded();
        assert!(shown.stdout.contains(&format!("in each of {world} processes")), "{shown}");
        let key = |context: &TestContext| {
            let record = fs::read_to_string(context.only_run("base").join("run.json")).unwrap();
            serde_json::from_str::<serde_json::Value>(&record).unwrap()["key"].clone()
        };
        assert_eq!(key(&context), key(&alone), "the number of processes is no part of what a run is");
        // What follows takes the model for one of its own.
        context.cliptune("run experiments").succeeded();
    }
}

#[test]
fn several_runs_of_a_chain_are_trained_one_after_the_other() {
    let context = TestContext::new();
    context.cliptune("ingest experiments").succeeded();
    Together::start(&context, 2, "experiments").succeeded();
    assert_eq!((context.runs("base").len(), context.runs("tuned").len()), (1, 2));
    let outputs = Together::start(&context, 2, "experiments").succeeded();
    let says_so = |output: &Output| output.stderr.contains("every run is fresh: nothing to train");
    assert!(says_so(&outputs[0]) && !says_so(&outputs[1]), "{outputs:#?}");
}

#[test]
fn what_was_stopped_on_four_processes_goes_on_with_two_and_with_one() {
    let (disturbed, undisturbed) = (ingested(), ingested());
    let arguments = format!("{BASE} {LONG}");
    for world in [4, 2] {
        let before = disturbed.runs("base").pop().map_or(0, |run| logged(&run).0.len());
        let processes = Together::start(&disturbed, world, &arguments);
        wait_for_steps(&disturbed, before + 10);
        // Not the one that writes the run.
        processes.send(world - 1, Signal::TERM);
        let outputs = processes.ended();
        assert!(outputs.iter().all(|output| output.code == Some(130)), "{outputs:#?}");
        assert!(outputs[0].stderr.contains(&format!("told to stop: rank {}", world - 1)), "{outputs:#?}");
        assert_eq!(disturbed.statuses("base"), ["interrupted"], "{outputs:#?}");
    }
    disturbed.cliptune(&format!("run {arguments}")).succeeded();
    let (steps, resumed) = logged(&disturbed.only_run("base"));
    assert_eq!(disturbed.statuses("base"), ["done"]);
    let [(_, Some(2)), (last, None)] = resumed[..] else { panic!("{resumed:?}") };
    let mut taken: Vec<usize> = steps.iter().map(|(step, _)| *step).collect();
    taken.dedup();
    assert_eq!(taken, (1..=600).collect::<Vec<_>>(), "every step was taken once");
    undisturbed.cliptune(&format!("run {arguments}")).succeeded();
    assert_same_losses(&logged(&undisturbed.only_run("base")).0, &steps, last.min(40));
}

#[test]
fn a_process_that_is_killed_ends_all_others_with_its_rank() {
    for rank in 0..3 {
        let context = ingested();
        let processes =
            Together::start(&context, 3, &format!("{BASE} {LONG} --set checkpoint.every_steps=2"));
        wait_for_steps(&context, 10);
        processes.send(rank, Signal::KILL);
        let killed = Instant::now();
        let mut outputs = processes.ended();
        assert!(killed.elapsed() < END, "{:?}", killed.elapsed());
        assert_eq!(outputs.remove(rank).code, Some(-9));
        // Also of the first, with which the store is gone in which the others could have said who of them tells.
        let told = assert_told_once(&outputs, 1);
        assert!(told.starts_with(&format!("error: rank {rank} of 3 (process ")), "{told}");
        assert!(told.ends_with("has ended without a word"), "{told}");
        let status = if rank == 0 { "crashed" } else { "failed" };
        assert_eq!(context.statuses("base"), [status], "{outputs:#?}");
        Together::start(&context, 2, &format!("{BASE} {LONG} --set checkpoint.every_steps=2")).succeeded();
        assert!(logged(&context.only_run("base")).1[0].0 >= 2, "it went on from a checkpoint");
    }
}

/// The same program with a limit on the size of a file, as a quota sets it; the signal that usually comes with it is ignored.
fn limited(command: &Command, kibibytes: usize) -> Command {
    let script = format!("trap '' XFSZ; ulimit -f {kibibytes}; exec \"$0\" \"$@\"");
    let mut limited = Command::new("bash");
    limited.args(["-c", &script]).arg(command.get_program());
    in_place_of(command, limited)
}

/// Another program with the arguments and in the environment of a command.
fn in_place_of(command: &Command, mut other: Command) -> Command {
    other.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        other.current_dir(folder);
    }
    other.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    other
}

#[test]
fn a_disk_that_is_full_at_the_export_ends_those_that_wait_for_it_with_one_message() {
    let context = ingested();
    let processes = Together::start_with(&context, 3, BASE, |rank, command| {
        if rank == 0 {
            *command = limited(command, 40);
        }
    });
    let told = assert_told_once(&processes.ended(), 1);
    assert!(told.starts_with("error: rank 0 of 3 (process "), "{told}");
    assert_eq!(context.statuses("base"), ["failed"], "{told}");
    Together::start(&context, 2, BASE).succeeded();
    assert!(context.statuses("base").contains(&"done".to_owned()));
}

#[test]
fn work_that_another_training_is_at_ends_all_with_what_the_first_says() {
    let context = ingested();
    let arguments = format!("{BASE} {LONG}");
    let mut other = context.start("cliptune-train", &arguments);
    wait_for_steps(&context, 1);
    let outputs = Together::start(&context, 2, &arguments).ended();
    other.kill().unwrap();
    other.wait().unwrap();
    let told = assert_told_once(&outputs, 1);
    assert!(told.starts_with("error: rank 0 of 2 (process "), "{told}");
    assert_eq!(context.runs("base").len(), 1, "{told}");
}

#[test]
fn a_signal_to_one_process_ends_all_while_the_first_waits_for_another_training() {
    let context = ingested();
    let arguments = format!("{BASE} --set train.epochs=20000");
    let mut other = context.start("cliptune-train", &arguments);
    wait_for_steps(&context, 1);
    let said = context.path("said");
    let processes = Together::start_with(&context, 2, &format!("{arguments} --wait"), |rank, command| {
        if rank == 0 {
            command.stderr(fs::File::create(&said).unwrap().into_file());
        }
    });
    let says = |text: &str| fs::read_to_string(&said).is_ok_and(|said| said.contains(text));
    wait_for("wait", || says(": waiting for ").then_some(()));
    wait_for("handler", || processes.catches(1, Signal::TERM).then_some(()));
    processes.send(1, Signal::TERM);
    let outputs = processes.ended();
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(outputs.iter().all(|output| output.code == Some(130)), "{outputs:#?}");
    assert!(says("told to stop: rank 1"), "{}", fs::read_to_string(&said).unwrap());
    assert_eq!(context.runs("base").len(), 1, "nothing was begun");
}

#[test]
fn a_process_that_stands_still_is_gone_for_the_others() {
    let arguments = format!("{BASE} {LONG}");
    let groups = [0, 1].map(|stopped| {
        let context = ingested();
        let processes = Together::start(&context, 2, &arguments);
        wait_for_steps(&context, 5);
        // What it holds open stays open, as on a host that has lost its network.
        processes.send(stopped, Signal::STOP);
        (context, processes, stopped, Instant::now())
    });
    for (context, mut processes, stopped, since) in groups {
        let said = processes.take_ended(1 - stopped).ended(1);
        assert!(since.elapsed() < END, "{:?}", since.elapsed());
        let expected = match stopped {
            0 => "error: the store at 127.0.0.1:",
            _ => "error: rank 1 of 2 (process ",
        };
        assert!(said.stderr.contains(expected), "{said}");
        drop(processes);
        // The first process records the end of the run even when it waits for one that does not answer.
        let status = if stopped == 0 { "crashed" } else { "failed" };
        assert_eq!(context.statuses("base"), [status], "{said}");
    }
}

#[test]
fn processes_that_disagree_end_with_what_each_has_and_make_no_run() {
    let context = ingested();
    let other_settings = Together::start_with(&context, 3, BASE, |rank, command| {
        if rank == 2 {
            command.args(["--set", "train.epochs=3"]);
        }
    });
    let told = assert_told_once(&other_settings.ended(), 1);
    assert!(told.starts_with("error: rank 2 of 3 (process "), "{told}");
    assert!(
        told.contains("rank 0 trains base s0 with the key ") && told.ends_with("its settings differ"),
        "{told}"
    );
    let elsewhere = ingested();
    elsewhere.replace(BASE, "seed: 0 }", "seed: 1 }");
    let other_data = Together::start_with(&context, 2, BASE, |rank, command| {
        if rank == 1 {
            command.current_dir(elsewhere.path(""));
        }
    });
    let told = assert_told_once(&other_data.ended(), 1);
    assert!(told.starts_with("error: rank 1 of 2 (process ") && told.contains("on the dataset "), "{told}");
    let other_store = Together::start_with(&context, 2, BASE, |rank, command| {
        if rank == 1 {
            command.args(["--store", "another"]);
        }
    });
    let told = assert_told_once(&other_store.ended(), 1);
    assert!(told.contains("rank 1 of 2 ") && told.ends_with("base has no dataset yet"), "{told}");
    assert!(context.runs("base").is_empty());
}

#[test]
fn an_error_of_all_processes_is_told_by_one() {
    let context = ingested();
    context.replace(BASE, "epochs", "epcohs");
    let outputs = Together::start(&context, 3, BASE).ended();
    assert!(outputs.iter().all(|output| output.code == Some(2)), "{outputs:#?}");
    let told = outputs.iter().filter(|output| output.stderr.contains("epcohs")).count();
    assert_eq!(told, 1, "{outputs:#?}");
}

#[test]
fn more_processes_than_a_batch_has_items_are_refused() {
    let context = ingested();
    let outputs = Together::start(&context, 4, &format!("{BASE} --set train.batch_size=3")).ended();
    let told = assert_told_once(&outputs, 2);
    assert!(told.ends_with("4 processes cannot share batches of 3 items"), "{told}");
    assert!(outputs.iter().any(|output| output.stderr.contains("hint: start at most 3 processes")));
    assert!(context.runs("base").is_empty());
}

#[test]
fn commands_for_one_process_are_refused_in_several() {
    let context = ingested();
    for name in ["run", "ingest", "score", "report"] {
        let said = output(one_of(&context, "cliptune", (1, 2), free_port()).args([name, BASE])).ended(2);
        let expected = format!("error: `cliptune {name}` is work for one process, and this is one of 2");
        assert!(said.stderr.contains(&expected), "{said}");
    }
    assert!(context.runs("base").is_empty());
}

#[test]
fn the_front_makes_way_for_the_program_that_trains() {
    let context = ingested();
    let port = free_port();
    let start =
        |rank: usize| one_of(&context, "cliptune", (rank, 2), port).args(["train", BASE]).spawn().unwrap();
    let children = [start(0), start(1)];
    for child in children {
        let name = wait_for("program", || {
            let name = fs::read_to_string(format!("/proc/{}/comm", child.id())).unwrap();
            // The kernel keeps the first 15 letters.
            name.starts_with("cliptune-train").then_some(name)
        });
        assert_eq!(name.trim(), "cliptune-train");
        Output::from(child.wait_with_output().unwrap()).succeeded();
    }
}

#[test]
fn tasks_of_srun_train_together_and_a_batch_script_alone() {
    let context = ingested();
    let port = free_port().to_string();
    let slurm = |rank: usize| {
        let mut command = context.command("cliptune-train");
        let rank = rank.to_string();
        let variables = [
            ("SLURM_JOB_ID", "7"),
            ("SLURM_STEP_ID", "0"),
            ("SLURM_STEP_NUM_TASKS", "2"),
            ("SLURM_STEP_NODELIST", "localhost"),
            ("SLURM_STEP_TASKS_PER_NODE", "2"),
            ("SLURM_NODEID", "0"),
            ("SLURM_PROCID", rank.as_str()),
            ("SLURM_LOCALID", rank.as_str()),
            ("MASTER_PORT", port.as_str()),
            ("GLOO_SOCKET_IFNAME", "lo"),
            ("OMP_NUM_THREADS", "1"),
        ];
        command.envs(variables).arg(BASE).stdout(Stdio::piped());
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    for child in [slurm(0), slurm(1)] {
        Output::from(child.wait_with_output().unwrap()).succeeded();
    }
    let record = fs::read_to_string(context.only_run("base").join("run.json")).unwrap();
    assert!(record.replace(' ', "").contains("\"processes\":2"), "{record}");
    let script = ingested();
    let mut command = script.command("cliptune-train");
    command.envs([("SLURM_JOB_ID", "7"), ("SLURM_NTASKS", "4"), ("SLURM_PROCID", "0")]);
    output(command.arg(BASE)).succeeded();
    assert_eq!(script.statuses("base"), ["done"]);
}

#[test]
fn a_dry_run_is_of_each_process_and_printed_once() {
    let context = ingested();
    let outputs = Together::start(&context, 2, &format!("--dry-run {BASE}")).succeeded();
    assert!(outputs[0].stdout.contains(" in each of 2 processes: weights "), "{}", outputs[0]);
    assert!(
        outputs[0].stdout.contains(" in 2 processes, without what they send each other: "),
        "{}",
        outputs[0]
    );
    assert_eq!((outputs[1].stdout.as_str(), outputs[1].stderr.as_str()), ("", ""));
    let few = output(one_of(&context, "cliptune-train", (0, 64), free_port()).args(["--dry-run", BASE]))
        .succeeded();
    assert!(
        few.stdout.contains("cannot be told yet: 64 processes cannot share batches of 32 items"),
        "{few}"
    );
}

#[test]
#[ignore = "it takes some minutes"]
fn processes_that_are_killed_at_random_lose_nothing() {
    const KILLS: usize = 50;
    let (context, mut random) = (ingested(), Random::at(1, &[14]));
    let arguments = format!("{BASE} --set train.epochs=600 --set checkpoint.every_steps=20");
    for number in 0..KILLS {
        let world = 2 + random.below(3);
        let mut processes = Together::start(&context, world, &arguments);
        // Each gets a little further than the one before.
        let enough = number * 600 * 4 / (KILLS + 5);
        wait_for("step", || {
            let taken = context.runs("base").pop().and_then(|run| logged(&run).0.last().map(|step| step.0));
            (processes.is_any_ended() || taken.is_some_and(|taken| taken > enough)).then_some(())
        });
        std::thread::sleep(Duration::from_millis(random.below(300) as u64));
        processes.send(random.below(world), Signal::KILL);
        let killed = Instant::now();
        let outputs = processes.ended();
        assert!(killed.elapsed() < END, "{number}: {:?}", killed.elapsed());
        assert!(outputs.iter().all(|output| [Some(1), Some(-9)].contains(&output.code)), "{outputs:#?}");
        assert_eq!(context.runs("base").len(), 1, "{outputs:#?}");
    }
    context.cliptune(&format!("run {arguments}")).succeeded();
    let mut taken: Vec<usize> = logged(&context.only_run("base")).0.iter().map(|step| step.0).collect();
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken, (1..=2400).collect::<Vec<_>>());
}
