//! `cliptune run --slurm`: gives the steps of a plan to Slurm, and knows what became of them.
//!
//! Slurm queues, starts and ends the jobs; the runs in the store say what was made. Beside both, a record for each job only says which
//! steps it was submitted for ([`cliptune_store::Submission`]).

mod batch;
mod chain;
mod client;
mod jobs;
mod options;
mod quote;
mod state;
mod submit;

pub(crate) use jobs::{Jobs, ShownJob};
pub(crate) use options::sbatch_option;
pub(crate) use submit::{Order, submit};

#[cfg(test)]
mod tests {
    use cliptune_experiment::Resources;

    use crate::pipeline::state::StageState;
    use crate::pipeline::steps::{Call, PlannedStep};
    use crate::tool::Tool;

    /// Returns the step with this name, which needs these.
    pub(super) fn step(id: &str, needs: &[&str]) -> PlannedStep {
        let (stage, one) = id.split_once(':').unwrap_or((id, ""));
        let experiment = one.split('/').next().unwrap_or_default();
        let stages = [Tool::Ingest, Tool::Train, Tool::Score, Tool::Report];
        PlannedStep {
            id: id.to_owned(),
            stage: stages.into_iter().find(|tool| tool.as_str() == stage).expect("it is a tool"),
            experiment: experiment.parse().ok(),
            run: None,
            keys: if one.is_empty() { Vec::new() } else { vec![format!("key of {one}")] },
            state: StageState::Stale,
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
            even_if_failed: stage == "report",
            call: Call {
                command: vec![format!("/bin/cliptune-{stage}"), format!("--only={one}")],
                environment: std::collections::BTreeMap::new(),
            },
            resources: Resources::default(),
        }
    }
}
