//! The metadata of a card, which the Hub reads: what the model is, and its scores as a `model-index`.

use cliptune_experiment::{TaskKind, yaml_text};
use cliptune_store::{Estimate, Scores};
use cliptune_terminal::format::visible;
use serde_json::{Map, Value, json};

use super::Card;
use super::sections::{by_weight, interval, table_name};
use crate::error::ExchangeError;

/// What only the author of a model knows.
const TO_FILL_IN: &str = "\
# To fill in: under which licence the model may be used. That of the starting weights, and that of the data, may bind you.
# license:
# license_name:
# license_link:
";

/// Returns the metadata between the lines that mark them.
pub(super) fn front_matter(card: &Card<'_>) -> Result<String, ExchangeError> {
    Ok(format!("---\n{TO_FILL_IN}{}---\n", yaml_text(&metadata(card))?))
}

fn metadata(card: &Card<'_>) -> Value {
    let record = card.content.run.record();
    let task = record.plan.data.columns.task.kind();
    let mut metadata = json!({
        "library_name": "transformers",
        "pipeline_tag": "zero-shot-image-classification",
        "tags": [card.config.family.as_str(), "cliptune"],
    });
    if let Some(id) = card.hub_model() {
        metadata["base_model"] = json!(id);
    }
    let results: Vec<Value> =
        by_weight(&card.content.scores).map(|scores| result(card, task, scores)).collect();
    if !results.is_empty() {
        metadata["model-index"] = json!([{ "name": visible(card.content.name()), "results": results }]);
    }
    metadata
}

/// Returns the scores of a split as the Hub has results.
fn result(card: &Card<'_>, task: TaskKind, scores: &Scores) -> Value {
    let finite = scores.metrics.0.iter().filter(|(_, estimate)| estimate.value.is_finite());
    let metrics: Vec<Value> = finite.map(|(name, estimate)| metric(scores, name, estimate)).collect();
    let table = table_name(card);
    json!({
        "task": { "type": task_type(task), "name": task_name(task) },
        "dataset": {
            "name": visible(&table),
            "type": identifier(&table),
            "split": scores.split.as_str(),
            "revision": card.content.run.record().dataset,
            "args": { "n_items": scores.n_items, "n_groups": scores.n_groups },
        },
        "metrics": metrics,
    })
}

/// Returns a metric. The Hub has no place for an interval: it is in the name, for people, and in the arguments, to the last digit.
fn metric(scores: &Scores, name: &str, estimate: &Estimate) -> Value {
    let Estimate { value, low, high, method } = estimate;
    let mut args = Map::new();
    let finite = [("low", *low), ("high", *high)].into_iter().filter(|(_, end)| end.is_finite());
    args.extend(finite.map(|(end, value)| (end.to_owned(), json!(value))));
    args.insert("interval".to_owned(), json!(format!("95 %, {method}")));
    args.extend(scores.chances.get(name).map(|chance| ("chance".to_owned(), json!(chance))));
    let interval = interval(estimate).map(|interval| format!(" (95 % interval {interval})"));
    let shown = format!("{name}{}", interval.unwrap_or_default());
    json!({ "type": name, "value": value, "name": shown, "args": args })
}

fn task_type(task: TaskKind) -> &'static str {
    match task {
        TaskKind::Choice | TaskKind::Classes => "zero-shot-image-classification",
        TaskKind::Pairs => "image-text-retrieval",
    }
}

fn task_name(task: TaskKind) -> &'static str {
    match task {
        TaskKind::Choice => "Choosing the right text for an image",
        TaskKind::Classes => "Zero-shot image classification",
        TaskKind::Pairs => "Image-text retrieval",
    }
}

/// Returns a text as an identifier of the Hub: letters, digits and dashes.
fn identifier(text: &str) -> String {
    let stem = text.split('.').next().unwrap_or_default().to_lowercase();
    let dashed: String =
        stem.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let trimmed = dashed.trim_matches('-');
    if trimmed.is_empty() { "custom".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_one_whatever_a_table_is_called() {
        assert_eq!(identifier("My contest.v2.parquet"), "my-contest");
        assert_eq!(identifier("../\u{202e}.csv"), "custom");
        assert_eq!(identifier("絵.parquet"), "custom");
    }
}
