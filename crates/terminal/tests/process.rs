//! What a whole process does: its exit code and its two streams.
//!
//! This test runs itself: with `SCENARIO` set it plays the tool, without it is the person who looks.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use cliptune_terminal::{Diagnostic, Exit, Failure, Printer, interrupt_flag, main as tool};

fn main() -> ExitCode {
    match std::env::var("SCENARIO") {
        Ok(scenario) => tool(|| play(&scenario)),
        Err(_) => look(),
    }
}

fn play(scenario: &str) -> Result<Exit, Box<dyn Diagnostic>> {
    let printer = Printer::new(false, false);
    match scenario {
        "talks" => {
            printer.status("two runs");
            printer.warn("one is stale");
            printer.data("a\nb");
            printer.json(&vec![1, 2]);
        }
        "reports progress" => {
            let progress = printer.progress("decode", 40, "images");
            progress.advance(40);
            progress.finish();
            Printer::new(true, false).progress("never shown", 1, "images").finish();
        }
        "fails" => {
            let cause = std::io::Error::other("disk full");
            return Err(Failure::new("cannot save").caused_by(cause).with_hint("free some space").into());
        }
        "panics" => panic!("index out of bounds"),
        "writes a lot" => (0..100_000).for_each(|line| printer.data(&line.to_string())),
        "waits" | "hangs" => return wait(&printer, scenario == "hangs"),
        other => return Err(Failure::usage(format!("no scenario called {other}")).into()),
    }
    Ok(Exit::Done)
}

fn wait(printer: &Printer, stubborn: bool) -> Result<Exit, Box<dyn Diagnostic>> {
    let flag = interrupt_flag();
    printer.data("ready");
    while stubborn || !flag.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(Exit::Interrupted)
}

fn look() -> ExitCode {
    data_and_talk_go_different_ways();
    a_log_file_gets_plain_lines();
    an_error_is_told_once();
    a_bug_says_so();
    a_reader_may_leave();
    a_full_disk_is_an_error();
    the_first_signal_asks();
    the_second_signal_insists();
    ExitCode::SUCCESS
}

fn data_and_talk_go_different_ways() {
    insta::assert_snapshot!(told(&run("talks")), @r"
    exit 0
    --- stdout
    a
    b
    [
      1,
      2
    ]
    --- stderr
    two runs
    warning: one is stale
    ");
}

fn a_log_file_gets_plain_lines() {
    let told = told(&run("reports progress"));
    assert!(told.contains("decode: 40 images in "), "{told}");
    assert!(!told.contains("never shown"), "{told}");
}

fn an_error_is_told_once() {
    insta::assert_snapshot!(told(&run("fails")), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot save
      caused by: disk full

    hint: free some space
    ");
}

fn a_bug_says_so() {
    let told = told(&run("panics"));
    insta::assert_snapshot!(told, @r"
    exit 70
    --- stdout
    --- stderr
    error: internal error: index out of bounds
      at crates/terminal/tests/process.rs:38:21

    hint: this is a bug in cliptune; please report it with the command you ran (RUST_BACKTRACE=1 shows how it got there)
    ");
}

fn a_reader_may_leave() {
    let mut child = start("writes a lot");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

fn a_full_disk_is_an_error() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else { return };
    let output = command("talks").stdout(full).output().expect("it runs");
    insta::assert_snapshot!(told(&output), @r"
    exit 1
    --- stdout
    --- stderr
    two runs
    warning: one is stale
    error: cannot write to standard output
      caused by: No space left on device (os error 28)
    ");
}

fn the_first_signal_asks() {
    for signal in ["-INT", "-TERM"] {
        let mut child = start_waiting("waits");
        send(signal, &child);
        let code = child.wait().expect("it ends").code();
        assert_eq!(code, Some(130), "{signal}");
    }
}

fn the_second_signal_insists() {
    let mut child = start_waiting("hangs");
    send("-INT", &child);
    let mut errors = BufReader::new(child.stderr.take().expect("stderr is piped"));
    let mut line = String::new();
    errors.read_line(&mut line).expect("it speaks");
    assert_eq!(line, "finishing this step, then saving (press Ctrl-C again to stop at once)\n");
    send("-INT", &child);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let mut rest = String::new();
    errors.read_to_string(&mut rest).expect("it ended");
    assert_eq!(rest, "");
}

fn command(scenario: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test has a path"));
    command
        .env("SCENARIO", scenario)
        .env_remove("RUST_BACKTRACE")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(scenario: &str) -> Output {
    command(scenario).output().expect("it runs")
}

fn start(scenario: &str) -> Child {
    command(scenario).spawn().expect("it starts")
}

/// Starts a scenario and returns once its signal handlers are there.
fn start_waiting(scenario: &str) -> Child {
    let mut child = start(scenario);
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("stdout is piped");
    BufReader::new(stdout).read_line(&mut line).expect("it speaks");
    assert_eq!(line, "ready\n");
    child
}

fn send(signal: &str, child: &Child) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
}

/// Everything a process said, stream by stream.
fn told(output: &Output) -> String {
    format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    )
}
