//! `cliptune ls`.

use cliptune_experiment::Split;
use cliptune_store::{Run, Store};
use cliptune_terminal::{Column, CommonArgs, Exit, Table};

use crate::error::CliError;
use crate::selection::{short, warn_of};
use crate::view::RunView;

/// List the runs in the store
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let listing = Store::open(&common.store)?.runs()?;
    for (folder, error) in &listing.damaged {
        printer.warn(&format!("{} is no readable run: {}", short(folder), error.in_one_line()));
    }
    let views: Vec<RunView<'_>> = listing.runs.iter().map(RunView::of).collect();
    views.iter().flat_map(RunView::damage).for_each(|error| warn_of(error, &printer));
    if printer.is_json() {
        printer.json(&views);
    } else if views.is_empty() {
        printer.status(&format!("there are no runs in {}", short(&common.store)));
    } else {
        printer.table(&table(&listing.runs, &views));
    }
    Ok(Exit::Done)
}

fn table(runs: &[Run], views: &[RunView<'_>]) -> Table {
    let scored: Vec<Split> = Split::ALL
        .into_iter()
        .filter(|split| views.iter().any(|view| view.scored(*split).is_some()))
        .collect();
    let mut columns = ["experiment", "run", "status"].map(Column::left).to_vec();
    columns.push(Column::left("kept"));
    columns.extend(scored.iter().map(|split| Column::left(split.as_str())));
    columns.push(Column::left("started (UTC)"));
    let mut table = Table::new(columns);
    for (run, view) in runs.iter().zip(views) {
        let record = run.record();
        let mut cells = vec![record.experiment.to_string(), record.run.clone(), view.status().to_string()];
        cells.push(view.kept().unwrap_or_default());
        cells.extend(scored.iter().map(|split| view.main_score(*split).unwrap_or_default()));
        cells.push(to_the_minute(&record.started));
        table.row(cells);
    }
    table
}

/// Shortens a timestamp to the minute: `2026-11-23T09:41:07.123Z` becomes `2026-11-23 09:41`.
fn to_the_minute(time: &str) -> String {
    time.chars().take(16).map(|letter| if letter == 'T' { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::to_the_minute;

    #[test]
    fn times_end_at_the_minute() {
        assert_eq!(to_the_minute("2026-11-23T09:41:07.123Z"), "2026-11-23 09:41");
        assert_eq!(to_the_minute(""), "");
    }
}
