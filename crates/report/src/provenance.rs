//! What a reader needs in order to check or repeat the numbers.

use cliptune_store::Parity;
use cliptune_terminal::shell_word;

use crate::data::ReportData;

/// Returns the command that makes the report, starting from nothing if need be.
pub(crate) fn command(data: &ReportData) -> String {
    let runs = data.entries.iter().flat_map(|entry| &entry.runs);
    let mut commits = runs.filter_map(|run| run.record.as_ref()?.provenance.git_commit.as_deref());
    let checkout =
        commits.next().map(|commit| format!("git checkout {}\n", word(commit.trim_end_matches('+'))));
    let arguments: Vec<String> = data.arguments.iter().map(|argument| word(argument)).collect();
    let arguments = arguments.join(" ");
    let options: Vec<String> = data.options.iter().map(|option| word(option)).collect();
    let report = match options.is_empty() {
        true => String::new(),
        false => format!("\ncliptune report {arguments} {}", options.join(" ")),
    };
    format!("{}cliptune run {arguments}{report}", checkout.unwrap_or_default())
}

/// Returns a word for a shell. Control characters are left out, as they have no place in a command to be copied.
fn word(text: &str) -> String {
    let printable: String = text.chars().filter(|c| !c.is_control()).collect();
    shell_word(&printable).into_owned()
}

/// Returns the largest difference between the exported graphs and the trained weights, over all runs.
pub(crate) fn worst_parity(data: &ReportData) -> Option<Parity> {
    let scores = data.entries.iter().flat_map(|entry| &entry.runs).flat_map(|run| &run.scores);
    let all: Vec<&Parity> = scores.filter_map(|scores| scores.parity.as_ref()).collect();
    let first = all.first()?;
    Some(Parity {
        n_items: all.iter().map(|parity| parity.n_items).sum(),
        max_logit_difference: all.iter().map(|parity| parity.max_logit_difference).fold(0.0, f64::max),
        answers_agree: all.iter().map(|parity| parity.answers_agree).sum(),
        tolerance: first.tolerance,
    })
}

/// Returns the result of the parity gate in a sentence.
pub(crate) fn parity_sentence(parity: &Parity) -> String {
    format!(
        "Every score was computed with ONNX Runtime on the exported graph. Before scoring it was compared with libtorch \
         on a sample: the largest difference of a logit was {}, {} passes; the answers agreed on {} of {} items.",
        scientific(parity.max_logit_difference),
        scientific(parity.tolerance),
        parity.answers_agree,
        parity.n_items,
    )
}

/// Returns the result of the parity gate for one run, as a table shows it.
pub(crate) fn parity_cell(parity: &Parity) -> String {
    format!(
        "{}, {} of {} agree",
        scientific(parity.max_logit_difference),
        parity.answers_agree,
        parity.n_items
    )
}

/// Returns a small number in scientific notation, such as `2.4e-5`, and any other number as it is.
pub(crate) fn scientific(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        magnitude if magnitude < 1e-2 => format!("{value:.1e}"),
        _ => format!("{value}"),
    }
}
