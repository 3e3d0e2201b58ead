//! The runs that have to be made, what each of them needs next, and what it waits for.

use std::time::Duration;

use cliptune_experiment::ExperimentName;
use cliptune_store::OnePlan;
use cliptune_terminal::Exit;

use super::room::{Need, Room};
use super::todo::RunTodo;
use crate::tool::Tool;

/// One thing that is done for a run, by one program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The dataset of an experiment is made.
    Ingest,
    /// Its memory is estimated.
    Estimate,
    /// It is trained and exported.
    Train,
    /// It is scored.
    Score,
}

impl Step {
    /// Returns the tool that does it.
    pub(crate) fn tool(self) -> Tool {
        match self {
            Self::Ingest => Tool::Ingest,
            Self::Estimate | Self::Train => Tool::Train,
            Self::Score => Tool::Score,
        }
    }
}

/// How the work on a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It is complete.
    Done,
    /// A step failed, for this reason.
    Failed {
        /// The step.
        step: Step,
        /// The exit code that its program ended with.
        exit: Exit,
        /// The reason, in one line.
        why: String,
    },
    /// A run that it starts from has no weights.
    Skipped,
    /// A signal stopped it.
    Interrupted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Next(Step),
    At(Step),
    Finished(Finish),
}

/// A run that has to be made.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The plan, as programs name it to each other.
    pub(crate) plan: OnePlan,
    /// The run, as people call it.
    pub(crate) label: String,
    /// The time that was spent on it so far.
    pub(crate) time: Duration,
    /// What is left to do after the present step.
    needs_scores: bool,
    /// The jobs whose weights it starts from.
    bases: Vec<usize>,
    /// What runs that need the same memory have in common.
    point: String,
    need: Option<Need>,
    /// The first step after the estimate.
    work: Step,
    state: State,
}

impl Job {
    /// Returns how the work on the run ended. Work that was never begun was interrupted.
    pub(crate) fn finish(&self) -> &Finish {
        match &self.state {
            State::Finished(finish) => finish,
            _ => &Finish::Interrupted,
        }
    }

    /// Checks whether a step comes after another one that was done for the run here: what was begun is finished, even where
    /// another process has taken up the work meanwhile.
    pub(crate) fn goes_on_with(&self, step: Step) -> bool {
        self.work == Step::Train && step == Step::Score
    }

    fn is_trained(&self) -> bool {
        match &self.state {
            State::Next(Step::Estimate) | State::At(Step::Estimate) => self.work == Step::Score,
            State::Next(step) | State::At(step) => *step == Step::Score,
            State::Finished(Finish::Done) => true,
            State::Finished(Finish::Failed { step, .. }) => *step == Step::Score,
            State::Finished(_) => false,
        }
    }

    fn lacks_weights_for_good(&self) -> bool {
        matches!(self.state, State::Finished(_)) && !self.is_trained()
    }
}

/// All runs that have to be made, in the order of their experiments.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Vec<Job>);

impl Jobs {
    /// Returns the jobs of all runs for which there is something to do. With `estimate`, the memory of a run is estimated before
    /// anything else is done.
    pub(crate) fn of(runs: &[RunTodo<'_>], estimate: bool) -> Self {
        let mut jobs = Vec::<Job>::new();
        // The number of each run's job. Whoever starts from a run without one waits for nothing.
        let mut numbers = Vec::with_capacity(runs.len());
        for run in runs {
            let work = run.first().map(|tool| if tool == Tool::Train { Step::Train } else { Step::Score });
            numbers.push(work.map(|_| jobs.len()));
            let Some(work) = work else { continue };
            let plan = &run.standing.plan;
            jobs.push(Job {
                plan: run.one.clone(),
                label: run.label.clone(),
                time: Duration::ZERO,
                needs_scores: run.stages.needs(Tool::Score),
                bases: run.bases.iter().filter_map(|&base| numbers.get(base).copied().flatten()).collect(),
                point: format!("{} {:?}", plan.experiment, plan.axes),
                need: None,
                work,
                state: State::Next(if estimate { Step::Estimate } else { work }),
            });
        }
        Self(jobs)
    }

    /// Returns the jobs of making the datasets of some experiments, none of which needs another one.
    pub(crate) fn datasets<'a>(
        experiments: impl Iterator<Item = &'a ExperimentName>,
        need: Option<Need>,
    ) -> Self {
        let job = |experiment: &ExperimentName| Job {
            plan: OnePlan { experiment: experiment.clone(), number: 0 },
            label: experiment.to_string(),
            time: Duration::ZERO,
            needs_scores: false,
            bases: Vec::new(),
            point: experiment.to_string(),
            need,
            work: Step::Ingest,
            state: State::Next(Step::Ingest),
        };
        Self(experiments.map(job).collect())
    }

    /// Returns the noun for what is made.
    pub(crate) fn noun(&self) -> &'static str {
        match self.0.first().map(|job| job.work) {
            Some(Step::Ingest) => "dataset",
            _ => "run",
        }
    }

    /// Returns all jobs.
    pub(crate) fn all(&self) -> &[Job] {
        &self.0
    }

    /// Returns one of the jobs.
    pub(crate) fn get(&self, number: usize) -> Option<&Job> {
        self.0.get(number)
    }

    /// Gives up what starts from a run that will have no weights.
    pub(crate) fn skip(&mut self) {
        for number in 0..self.0.len() {
            let lost = |base: &usize| self.0.get(*base).is_some_and(Job::lacks_weights_for_good);
            let is_lost = self.0.get(number).is_some_and(|job| job.bases.iter().any(lost));
            if let Some(job) =
                self.0.get_mut(number).filter(|job| is_lost && matches!(job.state, State::Next(_)))
            {
                job.state = State::Finished(Finish::Skipped);
            }
        }
    }

    /// Returns the next step that can be begun, and begins it. What is nearly done comes first; then comes the first run
    /// that waits for nothing. While it does not fit beside the others, no later run takes its place.
    pub(crate) fn begin(&mut self, room: &mut Room) -> Option<(usize, Step)> {
        let (number, step) = self.next(room)?;
        let job = self.0.get_mut(number)?;
        room.enter(number, job.need);
        job.state = State::At(step);
        Some((number, step))
    }

    fn next(&self, room: &Room) -> Option<(usize, Step)> {
        if !room.has_place() {
            return None;
        }
        let mut ready = self.0.iter().enumerate().filter_map(|(number, job)| match job.state {
            State::Next(step) => Some((number, job, step)),
            _ => None,
        });
        let nearly_done = ready.clone().find(|(_, _, step)| *step == Step::Score);
        let next = nearly_done.or_else(|| ready.find(|(_, job, step)| self.is_ready(job, *step)));
        let (number, job, step) = next?;
        (step == Step::Estimate || room.fits(job.need)).then_some((number, step))
    }

    fn is_ready(&self, job: &Job, step: Step) -> bool {
        let bases = job.bases.iter().filter_map(|&base| self.0.get(base));
        // One estimate serves all runs that need the same.
        let estimated = |other: &Job| other.state == State::At(Step::Estimate) && other.point == job.point;
        bases.into_iter().all(Job::is_trained) && !(step == Step::Estimate && self.0.iter().any(estimated))
    }

    /// Takes note of the estimated memory of a run and of those that need the same.
    pub(crate) fn estimated(&mut self, number: usize, need: Need) {
        let Some(point) = self.0.get(number).map(|job| job.point.clone()) else { return };
        for (at, job) in self.0.iter_mut().enumerate().filter(|(_, job)| job.point == point) {
            if at == number || job.state == State::Next(Step::Estimate) {
                (job.need, job.state) = (Some(need), State::Next(job.work));
            }
        }
    }

    /// Takes note of the end of a step that went well.
    pub(crate) fn stepped(&mut self, number: usize, step: Step) {
        let Some(job) = self.0.get_mut(number) else { return };
        job.state = match step {
            Step::Train if job.needs_scores => State::Next(Step::Score),
            _ => State::Finished(Finish::Done),
        };
    }

    /// Takes note that the work on a run ended.
    pub(crate) fn finished(&mut self, number: usize, finish: Finish) {
        if let Some(job) = self.0.get_mut(number) {
            job.state = State::Finished(finish);
        }
    }

    /// Adds to the time that was spent on a run.
    pub(crate) fn spent(&mut self, number: usize, time: Duration) {
        if let Some(job) = self.0.get_mut(number) {
            job.time += time;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, bases: &[usize], first: Step) -> Job {
        Job {
            plan: format!("{name}/0").parse().expect("it is a name"),
            label: name.to_owned(),
            time: Duration::ZERO,
            needs_scores: true,
            bases: bases.to_vec(),
            point: name.to_owned(),
            need: Some(Need::Bytes(1)),
            work: if first == Step::Score { Step::Score } else { Step::Train },
            state: State::Next(first),
        }
    }

    fn failed(step: Step) -> Finish {
        Finish::Failed { step, exit: Exit::Failed, why: String::new() }
    }

    #[test]
    fn what_starts_from_a_run_waits_for_its_weights_and_not_for_its_scores() {
        let mut jobs = Jobs(vec![job("base", &[], Step::Train), job("tuned", &[0], Step::Train)]);
        let mut room = Room::new(4, Some(10));
        assert_eq!(jobs.begin(&mut room), Some((0, Step::Train)));
        assert_eq!(jobs.begin(&mut room), None, "the base is not trained yet");
        room.leave(0);
        jobs.stepped(0, Step::Train);
        assert_eq!(jobs.begin(&mut room), Some((0, Step::Score)), "what is nearly done comes first");
        assert_eq!(jobs.begin(&mut room), Some((1, Step::Train)));
        room.leave(0);
        jobs.finished(0, failed(Step::Score));
        jobs.skip();
        assert!(jobs.get(1).is_some_and(|job| job.state == State::At(Step::Train)));
    }

    #[test]
    fn what_starts_from_a_run_without_weights_is_skipped_however_far_back() {
        let chain = [job("a", &[], Step::Train), job("b", &[0], Step::Train), job("c", &[1], Step::Train)];
        let mut jobs = Jobs(chain.into());
        let mut room = Room::new(1, None);
        jobs.begin(&mut room);
        room.leave(0);
        jobs.finished(0, failed(Step::Train));
        jobs.skip();
        assert_eq!(jobs.begin(&mut room), None);
        assert!(jobs.all()[1..].iter().all(|job| *job.finish() == Finish::Skipped));
    }

    #[test]
    fn a_run_that_does_not_fit_is_not_overtaken() {
        let mut jobs = Jobs(vec![
            job("a", &[], Step::Train),
            Job { need: Some(Need::Bytes(10)), ..job("large", &[], Step::Train) },
            job("b", &[], Step::Train),
        ]);
        let mut room = Room::new(3, Some(10));
        assert_eq!(jobs.begin(&mut room), Some((0, Step::Train)));
        assert_eq!(jobs.begin(&mut room), None);
        room.leave(0);
        jobs.finished(0, Finish::Done);
        assert_eq!(jobs.begin(&mut room), Some((1, Step::Train)));
        assert_eq!(jobs.begin(&mut room), None);
    }

    #[test]
    fn scoring_takes_as_much_room_as_training() {
        let scored = |name| Job { need: Some(Need::Bytes(6)), ..job(name, &[], Step::Score) };
        let mut jobs = Jobs(vec![scored("a"), scored("b"), job("c", &[], Step::Train)]);
        let mut room = Room::new(3, Some(10));
        assert_eq!(jobs.begin(&mut room), Some((0, Step::Score)));
        assert_eq!(jobs.begin(&mut room), None, "it does not fit, and nothing overtakes it");
        room.leave(0);
        jobs.stepped(0, Step::Score);
        assert_eq!(jobs.begin(&mut room), Some((1, Step::Score)));
        assert_eq!(jobs.begin(&mut room), Some((2, Step::Train)));
    }

    #[test]
    fn a_run_that_only_lacks_scores_is_estimated_and_then_scored() {
        let mut jobs = Jobs(vec![Job { state: State::Next(Step::Estimate), ..job("a", &[], Step::Score) }]);
        let mut room = Room::new(2, Some(10));
        assert_eq!(jobs.begin(&mut room), Some((0, Step::Estimate)));
        room.leave(0);
        jobs.estimated(0, Need::Bytes(4));
        assert_eq!(jobs.begin(&mut room), Some((0, Step::Score)));
    }

    #[test]
    fn one_estimate_serves_all_runs_that_need_the_same() {
        let same = |name| Job { point: "tuned".to_owned(), need: None, ..job(name, &[], Step::Estimate) };
        let mut jobs = Jobs(vec![same("s0"), same("s1"), job("other", &[], Step::Estimate)]);
        let mut room = Room::new(3, Some(10));
        assert_eq!(jobs.begin(&mut room), Some((0, Step::Estimate)));
        assert_eq!(jobs.begin(&mut room), Some((2, Step::Estimate)));
        room.leave(0);
        jobs.estimated(0, Need::Bytes(4));
        assert_eq!(jobs.begin(&mut room), Some((0, Step::Train)));
        assert_eq!(jobs.begin(&mut room), Some((1, Step::Train)));
    }
}
