//! The steps of a plan as a chain of jobs: one for datasets, arrays for the runs of each experiment, one for scores and the report.

use std::collections::HashMap;

use cliptune_experiment::Resources;

use super::batch::{After, BatchJob, Form, JobRef, Place};
use crate::pipeline::steps::PlannedStep;
use crate::tool::Tool;

/// The jobs, each behind those that it waits for, and the steps that Slurm has already.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    pub(crate) jobs: Vec<BatchJob>,
    /// The steps that are queued or running, each with its place.
    pub(crate) live: Vec<(PlannedStep, Place)>,
    /// The largest number of tasks of an array.
    most_tasks: usize,
}

impl Chain {
    /// Makes jobs of steps, which are in an order in which they can be taken. `live` says where Slurm has a step already; such a step is
    /// not submitted again, and what needs it waits for it there. No array has more than `most_tasks` tasks.
    pub(crate) fn of(
        steps: Vec<PlannedStep>,
        most_tasks: usize,
        live: impl Fn(&PlannedStep) -> Option<Place>,
    ) -> Self {
        let mut chain = Self { most_tasks, ..Self::default() };
        let mut places = HashMap::new();
        let mut last = Vec::new();
        for step in steps {
            match step.stage {
                Tool::Score | Tool::Report => last.push(step),
                Tool::Ingest | Tool::Train => {
                    let id = step.id.clone();
                    let place = match live(&step) {
                        Some(place) => {
                            chain.live.push((step, place));
                            place
                        }
                        None => chain.take(step, &places),
                    };
                    places.insert(id, place);
                }
            }
        }
        chain.end(last, live);
        chain
    }

    /// Puts a step into a job, and returns where.
    fn take(&mut self, step: PlannedStep, places: &HashMap<String, Place>) -> Place {
        match step.stage {
            Tool::Ingest => self.dataset(step),
            _ => {
                let needs = step.needs.iter().filter_map(|need| places.get(need).copied()).collect();
                self.run(step, needs)
            }
        }
    }

    /// Puts a dataset into the job of all datasets. Where one is better made behind another, all are made one by one; a dataset
    /// that two tasks need at once is made by one of them in any case. What one array has no room for is made after it.
    fn dataset(&mut self, step: PlannedStep) -> Place {
        let is_of_datasets =
            |job: &BatchJob| job.steps.first().is_some_and(|first| first.stage == Tool::Ingest);
        let name = "cliptune-datasets".to_owned();
        let Some(number) = self.jobs.iter().rposition(is_of_datasets) else {
            return self.begin(name, step, After::Success(Vec::new()));
        };
        let job = &mut self.jobs[number];
        if job.steps.len() >= self.most_tasks {
            return self.begin(name, step, After::End(vec![JobRef::New(number)]));
        }
        if job.steps.iter().any(|other| step.needs.contains(&other.id)) {
            job.form = Form::Array { one_by_one: true };
        }
        job.resources = std::mem::take(&mut job.resources).or_more(step.resources.clone());
        job.steps.push(step);
        place(number, job.steps.len() - 1)
    }

    /// Puts a run into an array of runs of its experiment that ask for the same and wait for the same, so that whatever fails makes
    /// only those fail that need it.
    fn run(&mut self, step: PlannedStep, needs: Vec<Place>) -> Place {
        let after = After::Success(needs);
        let fits = |job: &BatchJob| {
            job.after == after
                && job.resources == step.resources
                && job.steps.len() < self.most_tasks
                && job
                    .steps
                    .first()
                    .is_some_and(|first| first.stage == step.stage && first.experiment == step.experiment)
        };
        let number = self.jobs.iter().position(fits).unwrap_or(self.jobs.len());
        let Some(job) = self.jobs.get_mut(number) else {
            let experiment = step.experiment.as_ref().map(|name| format!("cliptune-{name}"));
            return self.begin(experiment.unwrap_or_else(|| "cliptune".to_owned()), step, after);
        };
        job.steps.push(step);
        place(number, job.steps.len() - 1)
    }

    /// Begins an array with its first task.
    fn begin(&mut self, name: String, step: PlannedStep, after: After) -> Place {
        let resources = step.resources.clone();
        let form = Form::Array { one_by_one: false };
        self.jobs.push(BatchJob { name, form, steps: vec![step], resources, after });
        place(self.jobs.len() - 1, 0)
    }

    /// Adds the job that scores and reports once everything else has ended. Where something is new in the chain, or Slurm has no such
    /// job for a step, it takes all of these steps: those that another one has taken by then are fresh.
    fn end(&mut self, steps: Vec<PlannedStep>, live: impl Fn(&PlannedStep) -> Option<Place>) {
        let places: Vec<Option<Place>> = steps.iter().map(live).collect();
        if self.jobs.is_empty() && places.iter().all(Option::is_some) {
            self.live.extend(steps.into_iter().zip(places).filter_map(|(step, place)| Some((step, place?))));
            return;
        }
        let others = places.iter().flatten().copied();
        let before = self.live.iter().map(|(_, place)| *place).chain(others).map(|place| place.job);
        let mut after: Vec<JobRef> = (0..self.jobs.len()).map(JobRef::New).chain(before).collect();
        after.sort_unstable();
        after.dedup();
        let resources = steps.iter().map(|step| step.resources.clone()).reduce(Resources::or_more);
        self.jobs.push(BatchJob {
            name: "cliptune-scores".to_owned(),
            form: Form::Sequence,
            steps,
            // Nobody knows how long all of it takes.
            resources: Resources { time: None, ..resources.unwrap_or_default() },
            after: After::End(after),
        });
    }
}

fn place(job: usize, task: usize) -> Place {
    Place { job: JobRef::New(job), task: Some(task) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slurm::client::MOST_TASKS;
    use crate::slurm::tests::step;

    fn steps() -> Vec<PlannedStep> {
        vec![
            step("ingest:base", &[]),
            step("ingest:tuned", &["ingest:base"]),
            step("train:base/0", &["ingest:base"]),
            step("score:base/0", &["train:base/0"]),
            step("train:base/1", &["ingest:base"]),
            step("score:base/1", &["train:base/1"]),
            step("train:tuned/0", &["ingest:tuned", "train:base/0"]),
            step("train:tuned/1", &["ingest:tuned", "train:base/1"]),
            step("train:tuned/2", &["ingest:tuned", "train:base/0"]),
            step("report", &["ingest:base", "train:base/0", "score:base/0"]),
        ]
    }

    /// The jobs, as what they are called, their steps and what they wait for.
    fn shown(chain: &Chain) -> Vec<String> {
        let number = |job: JobRef| match job {
            JobRef::New(number) => format!("#{number}"),
            JobRef::Known(number) => number.to_string(),
        };
        let one = |job: &BatchJob| {
            let steps: Vec<&str> = job.steps.iter().map(|step| step.id.as_str()).collect();
            format!("{}: {} | {}", job.name, steps.join(" "), job.options(&number)[1..].join(" "))
        };
        chain.jobs.iter().map(one).collect()
    }

    #[test]
    fn each_run_waits_for_its_dataset_and_its_own_base_and_the_report_for_all() {
        assert_eq!(
            shown(&Chain::of(steps(), MOST_TASKS, |_| None)),
            [
                "cliptune-datasets: ingest:base ingest:tuned | --array=0-1%1",
                "cliptune-base: train:base/0 train:base/1 | --array=0-1 --dependency=afterok:#0_0 --kill-on-invalid-dep=yes",
                "cliptune-tuned: train:tuned/0 train:tuned/2 | --array=0-1 --dependency=afterok:#0_1:#1_0 --kill-on-invalid-dep=yes",
                "cliptune-tuned: train:tuned/1 | --array=0-0 --dependency=afterok:#0_1:#1_1 --kill-on-invalid-dep=yes",
                "cliptune-scores: score:base/0 score:base/1 report | --dependency=afterany:#0:#1:#2:#3",
            ]
        );
    }

    #[test]
    fn what_slurm_has_is_waited_for_and_not_submitted_again() {
        let known = |job, task| Some(Place { job: JobRef::Known(job), task });
        let live = |step: &PlannedStep| match step.id.as_str() {
            "train:base/0" => known(7, Some(0)),
            "ingest:base" | "ingest:tuned" => known(6, Some(0)),
            "score:base/0" | "score:base/1" | "report" => known(8, None),
            _ => None,
        };
        let chain = Chain::of(steps(), MOST_TASKS, live);
        assert_eq!(
            shown(&chain),
            [
                "cliptune-base: train:base/1 | --array=0-0 --dependency=afterok:6_0 --kill-on-invalid-dep=yes",
                "cliptune-tuned: train:tuned/0 train:tuned/2 | --array=0-1 --dependency=afterok:6_0:7_0 --kill-on-invalid-dep=yes",
                "cliptune-tuned: train:tuned/1 | --array=0-0 --dependency=afterok:6_0:#0_0 --kill-on-invalid-dep=yes",
                "cliptune-scores: score:base/0 score:base/1 report | --dependency=afterany:#0:#1:#2:6:7:8",
            ]
        );
        assert_eq!(chain.live.len(), 3);
    }

    #[test]
    fn where_slurm_has_everything_nothing_is_submitted() {
        let live = |_: &PlannedStep| Some(Place { job: JobRef::Known(1), task: None });
        let chain = Chain::of(steps(), MOST_TASKS, live);
        assert!(chain.jobs.is_empty(), "{chain:?}");
        assert_eq!(chain.live.len(), 10);
    }

    #[test]
    fn runs_that_ask_for_other_resources_are_an_array_of_their_own_and_none_is_too_long() {
        let mut large = step("train:base/1", &[]);
        large.resources.cpus = std::num::NonZeroUsize::new(8);
        let many = (2..=MOST_TASKS + 2).map(|number| step(&format!("train:base/{number}"), &[]));
        let all = [step("train:base/0", &[]), large].into_iter().chain(many).collect();
        let chain = Chain::of(all, MOST_TASKS, |_| None);
        let lengths: Vec<usize> = chain.jobs.iter().map(|job| job.steps.len()).collect();
        // The last one scores and reports: nothing, as there is no such step.
        assert_eq!(lengths, [MOST_TASKS, 1, 2, 0]);
    }

    #[test]
    fn where_slurm_allows_shorter_arrays_there_are_more_of_them_and_datasets_keep_their_order() {
        assert_eq!(
            shown(&Chain::of(steps(), 1, |_| None)),
            [
                "cliptune-datasets: ingest:base | --array=0-0",
                "cliptune-datasets: ingest:tuned | --array=0-0 --dependency=afterany:#0",
                "cliptune-base: train:base/0 | --array=0-0 --dependency=afterok:#0_0 --kill-on-invalid-dep=yes",
                "cliptune-base: train:base/1 | --array=0-0 --dependency=afterok:#0_0 --kill-on-invalid-dep=yes",
                "cliptune-tuned: train:tuned/0 | --array=0-0 --dependency=afterok:#1_0:#2_0 --kill-on-invalid-dep=yes",
                "cliptune-tuned: train:tuned/1 | --array=0-0 --dependency=afterok:#1_0:#3_0 --kill-on-invalid-dep=yes",
                "cliptune-tuned: train:tuned/2 | --array=0-0 --dependency=afterok:#1_0:#2_0 --kill-on-invalid-dep=yes",
                "cliptune-scores: score:base/0 score:base/1 report | --dependency=afterany:#0:#1:#2:#3:#4:#5:#6",
            ]
        );
    }
}
