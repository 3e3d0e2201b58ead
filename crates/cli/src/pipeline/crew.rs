//! Works on all datasets or on all runs that have to be made, several at a time.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};

use cliptune_terminal::{Diagnostic as _, ErrorDocument, Exit, Failure, Message, Printer, format};
use serde_json::Value;

use super::board::Board;
use super::child::{Ended, News, Report, Reporter, start};
use super::jobs::{Finish, Job, Jobs, Step};
use super::room::{Need, Room};
use crate::error::CliError;
use crate::signals::{self, Caught, Children};

/// What the runs have together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Means {
    /// The number of runs that are worked on at once.
    pub(crate) jobs: usize,
    /// The number of threads that they have together, unless each program may take all.
    pub(crate) threads: Option<usize>,
    /// The bytes that they may take together, if that was declared.
    pub(crate) memory: Option<u64>,
}

impl Means {
    /// Returns the number of runs that are worked on at once: no more than there are threads.
    fn places(&self) -> usize {
        self.threads.map_or(self.jobs, |threads| threads.clamp(1, self.jobs))
    }

    /// Returns the means for so many jobs, if there are no more.
    pub(crate) fn for_jobs(self, jobs: usize) -> Self {
        Self { jobs: self.jobs.min(jobs).max(1), ..self }
    }

    /// Returns the number of threads of each run.
    pub(crate) fn threads_of_one(&self) -> Option<usize> {
        self.threads.map(|threads| (threads / self.places()).max(1))
    }

    /// Checks whether it matters how much memory a run needs.
    pub(crate) fn counts_memory(&self) -> bool {
        self.jobs > 1 || self.memory.is_some()
    }
}

/// Makes the command for a step of a job.
type MakeCommand<'a> = &'a dyn Fn(&Job, Step) -> Result<Command, CliError>;

/// Works on all runs that have to be made.
pub(crate) struct Crew<'a> {
    jobs: Jobs,
    room: Room,
    means: Means,
    board: Board<'a>,
    command: MakeCommand<'a>,
    children: Children,
    news: (Sender<Report>, Receiver<Report>),
    /// The last error that the program of each job has told.
    errors: BTreeMap<usize, ErrorDocument>,
}

impl<'a> Crew<'a> {
    /// Creates a crew for these jobs.
    pub(crate) fn new(jobs: Jobs, means: Means, printer: &'a Printer, command: MakeCommand<'a>) -> Self {
        let board = Board::new(printer, jobs.all().len(), jobs.noun());
        let room = Room::new(means.places(), means.memory);
        let errors = BTreeMap::new();
        Self { jobs, room, means, board, command, children: Children::default(), news: channel(), errors }
    }

    /// Works until nothing is left to do. A signal lets the programs that run save and end, and nothing new begins.
    pub(crate) fn work(mut self) -> Result<Jobs, CliError> {
        // Signals are caught before the first program starts.
        let interrupted = signals::catch();
        let _forwarding = Caught::now()?.forward_to(self.children.clone())?;
        loop {
            while !interrupted.load(Ordering::SeqCst) {
                let Some((number, step)) = self.jobs.begin(&mut self.room) else { break };
                self.begin(number, step);
            }
            if self.room.is_empty() {
                return Ok(self.jobs);
            }
            // This crew holds a sender itself, so that there is always something to wait for.
            let Ok((number, step, news)) = self.news.1.recv() else { return Ok(self.jobs) };
            match news {
                News::Said(message) => self.said(number, step, message),
                News::Line(line) => self.warn(number, &line),
                News::Ended(ended) => self.ended(number, step, ended),
            }
        }
    }

    fn begin(&mut self, number: usize, step: Step) {
        let Some(job) = self.jobs.get(number) else { return };
        self.board.begin(number, job, step);
        let reporter = Reporter { job: number, step, news: self.news.0.clone() };
        let started = (self.command)(job, step).and_then(|command| start(command, &self.children, reporter));
        if let Err(error) = started {
            self.failed(number, step, &ErrorDocument::of(&error), error.exit());
        }
    }

    fn said(&mut self, number: usize, step: Step, message: Message) {
        let Some(job) = self.jobs.get(number) else { return };
        match message {
            Message::Status { text } => self.board.status(number, step, &text),
            Message::Notice { text } => self.board.notice(&text),
            Message::Warning { text } => self.board.warning(job, &text),
            Message::Progress(position) => self.board.progress(number, job, step, &position),
            // It is shown when the program has ended, because then it is known to be what ended it.
            Message::Error(error) => {
                if let Some(earlier) = self.errors.insert(number, error) {
                    self.board.failure(job, &earlier);
                }
            }
        }
    }

    fn warn(&mut self, number: usize, text: &str) {
        if let Some(job) = self.jobs.get(number) {
            self.board.warning(job, text);
        }
    }

    fn ended(&mut self, number: usize, step: Step, ended: Ended) {
        self.jobs.spent(number, ended.time);
        match ended.exit {
            Ok(Exit::Done) if step == Step::Estimate => self.estimated(number, &ended.output),
            Ok(Exit::Done) => self.done(number, step),
            Ok(Exit::Interrupted) => self.finish(number, Finish::Interrupted),
            Ok(exit) => {
                let silent = || {
                    ErrorDocument::of(&Failure::new(format!("{} ended with {}", step.tool(), exit.code())))
                };
                let error = self.errors.remove(&number).unwrap_or_else(silent);
                self.failed(number, step, &error, exit);
            }
            Err(error) => {
                let death = ErrorDocument::of(&error);
                // What it said before it died is why.
                match self.errors.remove(&number) {
                    Some(told) => {
                        self.warn(number, &death.in_one_line());
                        self.failed(number, step, &told, Exit::Failed);
                    }
                    None => self.failed(number, step, &death, Exit::Failed),
                }
            }
        }
    }

    fn done(&mut self, number: usize, step: Step) {
        self.room.leave(number);
        self.board.stepped(number);
        self.jobs.stepped(number, step);
        if let Some(job) = self.jobs.get(number).filter(|job| *job.finish() == Finish::Done) {
            self.board.ended(number, job);
        }
    }

    /// Takes note of a run's memory. One that needs more than was declared for all is not begun.
    fn estimated(&mut self, number: usize, output: &str) {
        let estimate = Estimate::of(output);
        if let (Need::Bytes(need), Some(memory)) = (estimate.need, self.means.memory)
            && need > memory
        {
            let (need, memory) = (format::bytes(need), format::bytes(memory));
            let failure = Failure::new(format!("it needs about {need} of memory, and --memory is {memory}"))
                .with_hint("a smaller train.batch_size needs less");
            return self.failed(number, Step::Estimate, &ErrorDocument::of(&failure), Exit::Failed);
        }
        self.room.learn(estimate.there_is);
        self.room.leave(number);
        self.board.stepped(number);
        self.jobs.estimated(number, estimate.need);
    }

    fn failed(&mut self, number: usize, step: Step, error: &ErrorDocument, exit: Exit) {
        if let Some(job) = self.jobs.get(number) {
            self.board.failure(job, error);
        }
        self.finish(number, Finish::Failed { step, exit, why: error.in_one_line() });
    }

    fn finish(&mut self, number: usize, finish: Finish) {
        self.room.leave(number);
        self.jobs.finished(number, finish);
        self.jobs.skip();
        if let Some(job) = self.jobs.get(number) {
            self.board.ended(number, job);
        }
    }
}

/// What a dry run says about the memory of a run.
struct Estimate {
    need: Need,
    /// The memory that the machine has, if the run would be computed in it.
    there_is: Option<u64>,
}

impl Estimate {
    fn of(output: &str) -> Self {
        let document: Value = serde_json::from_str(output).unwrap_or_default();
        let forecast = document.pointer("/0/forecast");
        let number =
            |pointer| forecast.and_then(|forecast| forecast.pointer(pointer)).and_then(Value::as_u64);
        Self {
            need: number("/memory/total").map_or(Need::Unknown, Need::Bytes),
            there_is: number("/memory_there_is"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_what_a_dry_run_says_and_otherwise_unknown() {
        let said = Estimate::of(r#"[{"forecast": {"memory": {"total": 7}, "memory_there_is": 9}}]"#);
        assert_eq!((said.need, said.there_is), (Need::Bytes(7), Some(9)));
        for other in ["", "[]", r#"[{"unknown": "no dataset"}]"#, r#"[{"as_it_is": null}]"#] {
            assert_eq!(Estimate::of(other).need, Need::Unknown, "{other}");
        }
    }
}
