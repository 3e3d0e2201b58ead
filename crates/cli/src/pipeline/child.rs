//! One program that works on one run, and what it says meanwhile.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cliptune_terminal::{Exit, Message, RELAY};

use super::jobs::Step;
use crate::error::CliError;
use crate::sibling::ended;
use crate::signals::Children;

/// News of a program.
#[derive(Debug)]
pub(crate) enum News {
    /// It said something.
    Said(Message),
    /// It, a library or the loader wrote a line that is no message.
    Line(String),
    /// It ended.
    Ended(Ended),
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code, or what ended it.
    pub(crate) exit: Result<Exit, CliError>,
    /// What it wrote to its standard output.
    pub(crate) output: String,
    /// The time that it took.
    pub(crate) time: Duration,
}

/// News of a job's program, with the number of the job and its step.
pub(crate) type Report = (usize, Step, News);

/// Where news of one job go, with its number and its step.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    pub(crate) job: usize,
    pub(crate) step: Step,
    pub(crate) news: Sender<Report>,
}

impl Reporter {
    fn tell(&self, news: News) {
        // Nobody listens any more when an error of this command ends it.
        let _ = self.news.send((self.job, self.step, news));
    }
}

/// Starts a program, and reports what it says and how it ends.
pub(crate) fn start(mut command: Command, children: &Children, reporter: Reporter) -> Result<(), CliError> {
    let output = if reporter.step == Step::Estimate { Stdio::piped() } else { Stdio::null() };
    command.env(RELAY, "1").stdin(Stdio::null()).stdout(output).stderr(Stdio::piped());
    let begun = Instant::now();
    let (hand_over, child) = channel();
    let followed = children.clone();
    // There is a thread to follow the program before there is a program.
    let follow = move || child.recv().map_or((), |child| follow(child, &followed, &reporter, begun));
    thread::Builder::new().name("job".to_owned()).spawn(follow)?;
    // The thread lives until it has the child.
    let _ = hand_over.send(children.spawn(command)?);
    Ok(())
}

fn follow(mut child: Child, children: &Children, reporter: &Reporter, begun: Instant) {
    let output = match child.stdout.take().map(read).transpose() {
        Ok(output) => output,
        Err(error) => {
            let _ = child.kill();
            let _ = children.wait(&mut child);
            let (exit, output) = (Err(error.into()), String::new());
            return reporter.tell(News::Ended(Ended { exit, output, time: begun.elapsed() }));
        }
    };
    for line in child.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).split(b'\n')) {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line).into_owned();
        match Message::parse(&line) {
            Some(message) => reporter.tell(News::Said(message)),
            None if line.trim().is_empty() => {}
            None => reporter.tell(News::Line(line)),
        }
    }
    let exit = children.wait(&mut child).map_err(CliError::from);
    let exit = exit.and_then(|(status, interrupted)| ended(reporter.step.tool(), status, interrupted));
    let output = output.and_then(|output| output.join().ok()).unwrap_or_default();
    reporter.tell(News::Ended(Ended { exit, output, time: begun.elapsed() }));
}

/// Reads a program's standard output in a thread of its own, because nobody knows which of its two outputs is full first.
fn read(mut stdout: ChildStdout) -> io::Result<JoinHandle<String>> {
    thread::Builder::new().name("output".to_owned()).spawn(move || {
        let mut text = String::new();
        // What cannot be read is missed by whoever reads the text.
        let _ = stdout.read_to_string(&mut text);
        text
    })
}
