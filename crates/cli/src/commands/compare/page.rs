//! A comparison as a page: the items that were won and lost, with their images.

use cliptune_compare::judged;
use cliptune_report::{ComparedSide, Outcomes, outcomes_page};
use cliptune_store::{Dataset, Run, Store};

use super::Compared;
use crate::error::{CliError, OptionError};

/// Returns the page.
pub(super) fn page(compared: &Compared, store: &Store) -> Result<String, CliError> {
    let sides = || std::iter::once(&compared.baseline).chain(compared.others.iter().map(|(side, _)| side));
    let Some(side) = sides().find(|side| !side.runs.is_empty()) else {
        return Err(OptionError::PageWithoutRun.into());
    };
    let datasets = datasets(&side.runs, store)?;
    let others = compared.others.iter().map(|(side, comparison)| ComparedSide {
        name: &side.name,
        answers: &side.answers,
        verdict: format!("{} {}", comparison.metric, judged(comparison.metric, &comparison.judged)),
    });
    let names: Vec<&str> = compared.others.iter().map(|(side, _)| side.name.as_str()).collect();
    Ok(outcomes_page(&Outcomes {
        title: format!("{} against {}: items won and lost", names.join(", "), compared.baseline.name),
        baseline: ComparedSide {
            name: &compared.baseline.name,
            answers: &compared.baseline.answers,
            verdict: String::new(),
        },
        others: others.collect(),
        split: compared.split,
        datasets: &datasets,
        run: &side.runs[0],
    })?)
}

/// Returns the datasets of some runs, each once: one for each fold.
fn datasets(runs: &[Run], store: &Store) -> Result<Vec<Dataset>, CliError> {
    let mut hashes: Vec<&str> = runs.iter().map(|run| run.record().dataset.as_str()).collect();
    hashes.sort_unstable();
    hashes.dedup();
    let found = hashes.into_iter().map(|hash| store.dataset(hash)).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}
