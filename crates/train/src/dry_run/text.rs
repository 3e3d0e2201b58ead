//! Writes a forecast as text for a person.

use std::fmt::Write;
use std::time::Duration;

use cliptune_experiment::{spelled, spelled_number};
use cliptune_terminal::{Column, Table, format};

use super::forecast::{Forecast, Seconds};
use super::groups::Group;
use super::{Entry, Outlook};

/// Describes one experiment's runs in lines.
pub(super) fn entry(entry: &Entry) -> String {
    let mut text = format!("{}{}", entry.experiment, settings(entry));
    let seeds: Vec<String> = entry.seeds.iter().map(u32::to_string).collect();
    let noun = if seeds.len() == 1 { "seed" } else { "seeds" };
    // Writing to a String cannot fail.
    let _ = writeln!(text, ": {}, {noun} {}", format::counted(seeds.len() as u64, "run"), seeds.join(", "));
    match &entry.outlook {
        Outlook::Forecast(forecast) => text.push_str(&self::forecast(forecast, seeds.len())),
        Outlook::AsItIs => text.push_str("  nothing is trained: the model is taken as it is\n"),
        Outlook::Unknown(why) => {
            let _ = writeln!(text, "  cannot be told yet: {why}");
        }
    }
    text
}

/// Lists the settings of an entry, as in ` train.optimizer.lr=1e-5`.
fn settings(entry: &Entry) -> String {
    entry.settings.iter().map(|(axis, value)| format!(" {axis}={}", spelled(value))).collect()
}

fn forecast(forecast: &Forecast, runs: usize) -> String {
    let mut text = String::new();
    for line in groups(&forecast.groups).to_string().lines() {
        let _ = writeln!(text, "  {line}");
    }
    let trained: usize = forecast
        .groups
        .iter()
        .filter(|group| group.learning_rate.is_some())
        .map(|group| group.parameters)
        .sum();
    let all: usize = forecast.groups.iter().map(|group| group.parameters).sum();
    let lines = [
        ("trained", format!("{} of {} parameters", format::count(trained as u64), format::count(all as u64))),
        ("steps", steps(forecast)),
        ("memory", memory(forecast)),
        ("time", time(forecast, runs)),
    ];
    for (name, value) in lines {
        let _ = writeln!(text, "  {name:7}  {value}");
    }
    text
}

fn groups(groups: &[Group]) -> Table {
    let mut table = Table::new([
        Column::left("part"),
        Column::left("weights"),
        Column::right("parameters"),
        Column::right("lr"),
        Column::right("weight decay"),
    ]);
    for group in groups {
        let number = |value: Option<f64>| value.map_or_else(|| "locked".to_owned(), spelled_number);
        let rate = match (group.lowest_learning_rate, group.learning_rate) {
            (Some(lowest), Some(highest)) if lowest < highest => {
                format!("{lowest:.1e} to {}", spelled_number(highest))
            }
            (_, highest) => number(highest),
        };
        table.row([
            group.part.to_owned(),
            group.kind.to_owned(),
            format::count(group.parameters as u64),
            rate,
            number(group.weight_decay),
        ]);
    }
    table
}

fn steps(forecast: &Forecast) -> String {
    format!(
        "{}: {} of {}, {} a step, {} to train on",
        format::count((forecast.epochs * forecast.steps_per_epoch) as u64),
        format::counted(forecast.epochs as u64, "epoch"),
        format::counted(forecast.steps_per_epoch as u64, "step"),
        format::counted(forecast.batch_size as u64, "item"),
        format::counted(forecast.train_items as u64, "item"),
    )
}

fn memory(forecast: &Forecast) -> String {
    let memory = &forecast.memory;
    let of =
        forecast.memory_there_is.map(|bytes| format!(" of {}", format::bytes(bytes))).unwrap_or_default();
    let parts = [
        ("weights", memory.weights),
        ("gradients", memory.gradients),
        ("moments", memory.moments),
        ("activations", memory.activations),
        ("pixels", memory.pixels),
        ("libraries", memory.runtime),
    ];
    let parts: Vec<String> =
        parts.iter().map(|(name, bytes)| format!("{name} {}", format::bytes(*bytes))).collect();
    format!(
        "about {}{of}{}: {}; {} more while a checkpoint is written",
        format::bytes(memory.total),
        forecast.processes.map_or_else(String::new, |count| format!(" in each of {count} processes")),
        parts.join(", "),
        format::bytes(memory.checkpoint)
    )
}

fn time(forecast: &Forecast, runs: usize) -> String {
    let Some(seconds) = forecast.seconds else {
        return "unknown: a step does not fit into the memory".to_owned();
    };
    let Seconds { images, locked, step, evaluation, total } = seconds;
    let mut parts = vec![
        format!("a step {}", duration(step)),
        format!("an evaluation {}", duration(evaluation)),
        format!("decoding {}", duration(images)),
    ];
    if locked > 0.0 {
        parts.push(format!("embedding what is locked {}", duration(locked)));
    }
    let each = if runs == 1 { "" } else { " for each run" };
    let device = &forecast.device;
    let shared = match forecast.processes {
        Some(count) => format!(" in {count} processes, without what they send each other"),
        None => String::new(),
    };
    format!("about {}{each} on {device}{shared}: {}", duration(total), parts.join(", "))
}

fn duration(seconds: f64) -> String {
    format::duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}
