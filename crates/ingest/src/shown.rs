//! Formats table values for messages, in quotes and shortened if they are long.

/// The number of characters of a value that a message shows.
const LONGEST: usize = 120;

/// Formats a value in quotes.
pub(crate) fn shown(value: &str) -> String {
    let start: String = value.chars().take(LONGEST).collect();
    let more = if start.len() < value.len() { "…" } else { "" };
    format!("\"{}{more}\"", start.escape_debug())
}

/// Formats a list of values, with NULL in place of missing ones.
pub(crate) fn shown_list(values: &[Option<&str>]) -> String {
    const FEW: usize = 6;
    let few = values.iter().take(FEW).map(|value| value.map_or("NULL".to_owned(), shown));
    let more = (values.len() > FEW).then(|| "…".to_owned());
    format!("[{}]", few.chain(more).collect::<Vec<_>>().join(", "))
}

/// Formats all of a few values in quotes.
pub(crate) fn shown_all(values: &[String]) -> String {
    values.iter().map(|value| shown(value)).collect::<Vec<_>>().join(", ")
}

/// Lists names, and of very many the first ones.
pub(crate) fn named_few(names: &[String]) -> String {
    const FEW: usize = 20;
    let more = if names.len() > FEW { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(FEW)].join(", "))
}
