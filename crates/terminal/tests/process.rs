//! What a whole process does: its exit code and its two streams.
//!
//! This test runs itself: with `SCENARIO` set it plays the tool, without it is the person who looks.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Parser;
use cliptune_terminal::{
    CommonArgs, Diagnostic, Exit, Failure, Printer, Stopping, interrupt_flag, main as tool, stop_signals,
};

/// Play a scenario
#[derive(Parser)]
#[command(name = "cliptune-scenario", version = "1.2.3")]
struct Arguments {
    #[command(flatten)]
    common: CommonArgs,
}

fn main() -> ExitCode {
    match std::env::var("SCENARIO") {
        Ok(scenario) => tool(|_: Arguments| play(&scenario)),
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
        "is told orders" => {
            printer.data("a\u{1b}[2J\nb");
            printer.status("c\u{9b}31m\rd");
            printer.warn("e\u{202e}f");
            let progress = printer.progress("g\u{7}", 1, "image");
            progress.message("h\u{1b}]0;owned\u{7}");
            progress.finish();
            let cause = std::io::Error::other("i\u{1b}c");
            return Err(Failure::new("j\u{8}\nk").caused_by(cause).with_hint("l\u{85}").into());
        }
        "reports progress" => {
            let progress = printer.progress("decode", 40, "image");
            progress.advance(40);
            progress.finish();
            Printer::new(true, false).progress("never shown", 1, "image").finish();
        }
        "fails" => {
            let cause = std::io::Error::other("disk full");
            return Err(Failure::new("cannot save").caused_by(cause).with_hint("free some space").into());
        }
        "panics" => panic!("index out of bounds"),
        "gets no thread" => {
            // EAGAIN, as the system answers where as many threads run as may.
            let refused = || panic!("failed to spawn thread: {:?}", std::io::Error::from_raw_os_error(11));
            let _ = std::thread::spawn(refused).join();
            refused();
        }
        "writes a lot" => (0..100_000).for_each(|line| printer.data(&line.to_string())),
        "waits" => return wait(&printer, &interrupt_flag(), false),
        "hangs" => {
            let at_once = Stopping { announcement: Some("finishing first"), grace: Some(Duration::ZERO) };
            return wait(&printer, &at_once.flag(), true);
        }
        "saves for a long time" => {
            let patient = Stopping { announcement: None, grace: Some(Duration::MAX) };
            let exit = wait(&printer, &patient.flag(), false)?;
            std::io::stdin().read_to_end(&mut Vec::new())?;
            printer.data("saved");
            return Ok(exit);
        }
        "says what stops it" => printer.json(&stop_signals()),
        other => return Err(Failure::usage(format!("no scenario called {other}")).into()),
    }
    Ok(Exit::Done)
}

fn wait(printer: &Printer, flag: &AtomicBool, stubborn: bool) -> Result<Exit, Box<dyn Diagnostic>> {
    printer.data("ready");
    while stubborn || !flag.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(Exit::Interrupted)
}

fn look() -> ExitCode {
    data_and_talk_go_different_ways();
    what_a_terminal_would_obey_is_shown();
    what_was_typed_is_repeated_and_not_obeyed();
    whoever_asks_for_json_gets_it_whatever_happens();
    a_log_file_gets_plain_lines();
    an_error_is_told_once();
    a_bug_says_so();
    a_limit_of_the_system_is_no_bug();
    a_reader_may_leave();
    a_full_disk_is_an_error();
    the_first_signal_asks();
    a_repeat_within_the_grace_is_the_same_request();
    a_later_signal_insists();
    a_hangup_stops_unless_it_is_ignored();
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

fn what_a_terminal_would_obey_is_shown() {
    let said = told(&run("is told orders"));
    let (before, after) = said.split_once("g\\u{7}").expect("progress has its label");
    insta::assert_snapshot!(before, @r"
    exit 1
    --- stdout
    a\u{1b}[2J
    b
    --- stderr
    c\u{9b}31m\rd
    warning: e\u{202e}f
    ");
    // How long it took stands between.
    let (_, after) = after.split_once('\n').expect("progress is a line");
    insta::assert_snapshot!(after, @r"
    error: j\u{8}
      k
      caused by: i\u{1b}c

    hint: l\u{85}
    ");
}

fn what_was_typed_is_repeated_and_not_obeyed() {
    let coloured = |argument: &str| {
        let output = command("talks").arg(argument).env("CLICOLOR_FORCE", "1").output().expect("it runs");
        String::from_utf8(output.stderr).expect("it is a text")
    };
    for hostile in ["--c\u{1b}]0;owned\u{7}\u{1b}[2J", "--d\u{9b}31m", "--e\u{202e}f"] {
        let said = coloured(hostile);
        assert!(said.starts_with("error: unexpected argument '--"), "{said:?}");
        assert!(
            !said.contains(|letter: char| letter == '\u{202e}' || letter.is_control() && letter != '\n'),
            "{said:?}"
        );
    }
    assert!(coloured("--quick").contains('\u{1b}'), "what is harmless keeps its colours");
}

fn whoever_asks_for_json_gets_it_whatever_happens() {
    let json = |scenario: &str, flags: &[&str]| {
        let output = command(scenario).args(flags).output().expect("it runs");
        (String::from_utf8(output.stdout).expect("it is a text"), output.status.code())
    };
    let (text, code) = json("fails", &["--json"]);
    insta::assert_snapshot!(text, @r#"
    {
      "error": "cannot save",
      "causes": [
        "disk full"
      ],
      "hint": "free some space",
      "exit_code": 1
    }
    "#);
    assert_eq!(code, Some(1));
    let (text, code) = json("talks", &["--quick", "--json"]);
    insta::assert_snapshot!(text, @r#"
    {
      "error": "unexpected argument '--quick' found",
      "hint": "a similar argument exists: '--quiet'",
      "exit_code": 2
    }
    "#);
    assert_eq!(code, Some(2));
    let (text, code) = json("talks", &["--json", "--version"]);
    insta::assert_snapshot!(text, @r#"
    {
      "name": "cliptune-scenario",
      "version": "1.2.3"
    }
    "#);
    assert_eq!(code, Some(0));
    let (text, code) = json("panics", &["--json"]);
    insta::assert_snapshot!(text, @r#"
    {
      "error": "internal error",
      "exit_code": 70
    }
    "#);
    assert_eq!(code, Some(70));
    let (text, code) = json("gets no thread", &["--json"]);
    assert!(text.contains("no more threads or memory") && code == Some(1), "{text}");
    // What stands behind `--` is no flag.
    assert_eq!(json("fails", &["--", "--json"]).0, "");
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
      at crates/terminal/tests/process.rs:59:21

    hint: this is a bug in cliptune; please report it with the command you ran (RUST_BACKTRACE=1 shows how it got there)
    ");
}

fn a_limit_of_the_system_is_no_bug() {
    let told = told(&run("gets no thread"));
    insta::assert_snapshot!(told, @r"
    exit 1
    --- stdout
    --- stderr
    error: the system gives this process no more threads or memory: Resource temporarily unavailable

    hint: `ulimit -u` and `ulimit -v` show the limits on both; a container may have limits of its own
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
    for signal in ["-INT", "-TERM", "-HUP"] {
        let mut child = start_waiting("waits");
        send(signal, &child);
        assert_eq!(child.wait().expect("it ends").code(), Some(130), "{signal}");
    }
}

fn a_repeat_within_the_grace_is_the_same_request() {
    let mut child = start_waiting("saves for a long time");
    for signal in ["-TERM", "-TERM", "-INT", "-HUP", "-TERM"] {
        send(signal, &child);
    }
    drop(child.stdin.take());
    let mut said = String::new();
    child.stdout.take().expect("stdout is piped").read_to_string(&mut said).expect("it speaks");
    assert_eq!(said, "saved\n", "nothing cut it short");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

fn a_later_signal_insists() {
    let mut child = start_waiting("hangs");
    send("-INT", &child);
    let mut errors = BufReader::new(child.stderr.take().expect("stderr is piped"));
    let mut line = String::new();
    errors.read_line(&mut line).expect("it speaks");
    assert_eq!(line, "finishing first\n");
    // Nothing tells when the grace is over; the process itself never ends.
    let status = loop {
        send("-INT", &child);
        if let Some(status) = child.try_wait().expect("it is a child") {
            break status;
        }
        std::thread::yield_now();
    };
    assert_eq!(status.code(), Some(130));
    let mut rest = String::new();
    errors.read_to_string(&mut rest).expect("it ended");
    assert_eq!(rest, "");
}

fn a_hangup_stops_unless_it_is_ignored() {
    for (hangup, expected) in
        [("--default-signal=HUP", "[\n  2,\n  15,\n  1\n]\n"), ("--ignore-signal=HUP", "[\n  2,\n  15\n]\n")]
    {
        let mut env = Command::new("env");
        env.arg(hangup).arg(std::env::current_exe().expect("this test has a path"));
        let output = env.env("SCENARIO", "says what stops it").output().expect("it runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{hangup}");
    }
}

fn command(scenario: &str) -> Command {
    // Whoever runs the tests may have them run on after a hangup.
    let mut command = Command::new("env");
    command
        .arg("--default-signal=HUP")
        .arg(std::env::current_exe().expect("this test has a path"))
        .env("SCENARIO", scenario)
        .stdin(Stdio::piped())
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
