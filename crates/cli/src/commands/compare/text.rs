//! A comparison as a person reads it.

use cliptune_compare::{Agreement, Comparison, ItemOutcome, Outcome, interval, judged, shown};
use cliptune_experiment::spelled;
use cliptune_store::Prediction;
use cliptune_terminal::format::{counted, visible};
use cliptune_terminal::{Column, Printer, Table};
use serde_json::Value;

use super::Compared;
use super::sides::Side;

pub(super) fn print(compared: &Compared, with_items: bool, printer: &Printer) {
    let mut sections = vec![about(compared)];
    sections.extend(settings_table(compared));
    for (side, comparison) in &compared.others {
        sections.push(section(&compared.baseline, side, comparison));
        if with_items {
            sections.push(items(&compared.baseline, side));
        }
    }
    printer.data(&sections.join("\n"));
}

fn about(compared: &Compared) -> String {
    let Some((_, first)) = compared.others.first() else { return String::new() };
    let seeds = |side: &Side| {
        format!("{} ({})", visible(&side.name), counted(side.answers.seeds.len() as u64, "seed"))
    };
    let others: Vec<String> = compared.others.iter().map(|(side, _)| seeds(side)).collect();
    let looks = compared.looks.as_ref().map(|looks| {
        format!("the test split was scored {}; choose by the validation split\n", looks.described())
    });
    format!(
        "{} against {}, on {} of the {} split from {}\n{}",
        others.join(", "),
        seeds(&compared.baseline),
        counted(first.n_items as u64, "item"),
        compared.split,
        counted(first.n_groups as u64, "group"),
        looks.unwrap_or_default(),
    )
}

/// A setting with its value on every side, the baseline first.
pub(super) type Setting = (String, Vec<Option<Value>>);

/// Returns the settings in which the sides that have any differ, and their datasets.
pub(super) fn settings(compared: &Compared) -> Vec<Setting> {
    let sides = || std::iter::once(&compared.baseline).chain(compared.others.iter().map(|(side, _)| side));
    let all: Vec<Option<Vec<(String, Value)>>> = sides().map(of_side).collect();
    let mut keys: Vec<&String> = Vec::new();
    for (key, _) in all.iter().flatten().flatten() {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let value = |key: &String, settings: &Option<Vec<(String, Value)>>| {
        settings.as_ref()?.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    };
    let row = |key: &String| (key.clone(), all.iter().map(|one| value(key, one)).collect::<Vec<_>>());
    let differs = |(_, values): &Setting| {
        let mut known = values.iter().zip(&all).filter(|(_, side)| side.is_some()).map(|(value, _)| value);
        let first = known.next();
        known.any(|value| Some(value) != first)
    };
    keys.into_iter().map(row).filter(differs).collect()
}

/// Returns the settings of a side with its dataset, or `None` where they are not known.
fn of_side(side: &Side) -> Option<Vec<(String, Value)>> {
    let run = side.runs.first()?;
    let mut settings = run.record().plan.shared_settings();
    if run.record().plan.fold().is_none() {
        settings.push(("dataset".to_owned(), Value::from(run.record().dataset.as_str())));
    }
    Some(settings)
}

fn settings_table(compared: &Compared) -> Option<String> {
    let settings = settings(compared);
    let names = compared.others.iter().map(|(side, _)| visible(&side.name));
    let names = std::iter::once(visible(&compared.baseline.name)).chain(names);
    let columns = std::iter::once("settings".to_owned()).chain(names).map(Column::left);
    let mut table = Table::new(columns);
    for (key, values) in &settings {
        let cell = |value: &Option<Value>| value.as_ref().map_or_else(|| "–".to_owned(), spelled);
        table.row(std::iter::once(key.clone()).chain(values.iter().map(cell)).map(|cell| visible(&cell)));
    }
    (!settings.is_empty()).then(|| table.to_string())
}

/// Returns what there is to say about one side: agreement, metrics and verdict.
fn section(baseline: &Side, side: &Side, comparison: &Comparison) -> String {
    let [a, b] = [&baseline.name, &side.name].map(|name| visible(name));
    let verdict = judged(comparison.metric, &comparison.judged);
    format!(
        "{}\n{}\n{b}: {} {verdict}\n  {}\n",
        agreement(&comparison.agreement, &a, &b),
        metrics(comparison, &a, &b),
        comparison.metric,
        comparison.judged.delta.method,
    )
}

fn agreement(agreement: &Agreement, a: &str, b: &str) -> String {
    let mut table = Table::new([
        Column::left("items"),
        Column::right(format!("{b} right")),
        Column::right(format!("{b} wrong")),
    ]);
    // Ties and several seeds make parts of items.
    let cell = |items: f64| if items.fract() == 0.0 { format!("{items}") } else { format!("{items:.1}") };
    table.row([format!("{a} right"), cell(agreement.both), cell(agreement.only_a)]);
    table.row([format!("{a} wrong"), cell(agreement.only_b), cell(agreement.neither)]);
    table.to_string()
}

fn metrics(comparison: &Comparison, a: &str, b: &str) -> String {
    let columns = [Column::left("metric"), Column::right(a), Column::right(b), Column::left("difference")];
    let mut table = Table::new(columns);
    for metric in &comparison.metrics {
        let better = if metric.is_lower_better { " (lower is better)" } else { "" };
        let name = format!("{}{better}", metric.name);
        table.row([name, shown(metric.baseline), shown(metric.value), interval(metric.name, &metric.delta)]);
    }
    table.to_string()
}

/// Returns the items that were won and lost.
fn items(baseline: &Side, side: &Side) -> String {
    let found = ItemOutcome::of(&baseline.answers, &side.answers);
    let columns = ["", "id", "group", "right answer", &baseline.name, &side.name];
    let mut table = Table::new(columns.map(|name| Column::left(visible(name))));
    for ItemOutcome { item, outcome } in &found {
        let one = &baseline.answers.items()[*item];
        let outcome = match outcome {
            Outcome::Won => "won",
            Outcome::Lost => "lost",
        };
        table.row([
            outcome.to_owned(),
            visible(&one.id),
            visible(&one.group),
            one.label().map_or_else(|| "–".to_owned(), |label| (label + 1).to_string()),
            answers(baseline, *item),
            answers(side, *item),
        ]);
    }
    if found.is_empty() { "no item was won or lost\n".to_owned() } else { table.to_string() }
}

/// Returns what the seeds of a side answered, counted from 1 as the right answer is; of pairs the rank of the own text.
fn answers(side: &Side, item: usize) -> String {
    let answer = |one: &Prediction| match one.predicted() {
        Some(predicted) => (predicted + 1).to_string(),
        None => format!("rank {}", one.rank),
    };
    let answers = side.answers.seeds.iter().map(|seed| answer(&seed[item]));
    answers.collect::<Vec<_>>().join(", ")
}
