//! Values of a table as messages show them: in quotes, and not too long.

/// The characters of a value that a person needs to see.
const LONGEST: usize = 120;

/// A value in quotes.
pub(crate) fn shown(value: &str) -> String {
    let start: String = value.chars().take(LONGEST).collect();
    let more = if start.len() < value.len() { "…" } else { "" };
    format!("\"{}{more}\"", start.escape_debug())
}

/// A list of values, where NULL stands for one that is missing.
pub(crate) fn shown_list(values: &[Option<String>]) -> String {
    const FEW: usize = 6;
    let few = values.iter().take(FEW).map(|value| value.as_deref().map_or("NULL".to_owned(), shown));
    let more = (values.len() > FEW).then(|| "…".to_owned());
    format!("[{}]", few.chain(more).collect::<Vec<_>>().join(", "))
}
