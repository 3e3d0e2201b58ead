//! Small tables in plain text.

use std::borrow::Cow;
use std::fmt;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text between two columns.
const GAP: &str = "  ";
/// The smallest width that a column is cut to, in characters, however small the terminal is.
const NARROWEST: usize = 6;

/// The side of its column that a cell is aligned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Aligned to the left, as for text.
    Left,
    /// Aligned to the right, as for numbers.
    Right,
}

/// A column with its header and its alignment.
#[derive(Clone, Debug)]
pub struct Column {
    header: String,
    align: Align,
}

impl Column {
    /// Creates a column with the given alignment.
    pub fn new(header: impl Into<String>, align: Align) -> Self {
        Self { header: header.into(), align }
    }

    /// Creates a left-aligned column, for text.
    pub fn left(header: impl Into<String>) -> Self {
        Self::new(header, Align::Left)
    }

    /// Creates a right-aligned column, for numbers.
    pub fn right(header: impl Into<String>) -> Self {
        Self::new(header, Align::Right)
    }
}

/// A table in plain text: a header line, then one line for each row.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table without rows.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row. Missing cells are empty, and cells beyond the last column are left out.
    pub fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) -> &mut Self {
        let mut cells: Vec<String> = cells.into_iter().map(|cell| one_line(cell.into())).collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
        self
    }

    /// Returns whether the table has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Renders the table, no wider than `width` where that is possible. The widest column is shortened first.
    pub fn render(&self, width: Option<usize>) -> String {
        let mut widths = self.natural_widths();
        if let Some(width) = width {
            shrink(&mut widths, width);
        }
        let mut text = String::new();
        self.line(&mut text, self.columns.iter().map(|column| column.header.as_str()), &widths);
        for row in &self.rows {
            self.line(&mut text, row.iter().map(String::as_str), &widths);
        }
        text
    }

    fn natural_widths(&self) -> Vec<usize> {
        let widest = |(at, column): (usize, &Column)| {
            let cells = self.rows.iter().map(|row| width(&row[at]));
            cells.fold(width(&column.header), usize::max)
        };
        self.columns.iter().enumerate().map(widest).collect()
    }

    /// Adds a line to a text.
    fn line<'a>(&self, text: &mut String, cells: impl Iterator<Item = &'a str>, widths: &[usize]) {
        let start = text.len();
        for (at, ((cell, column), width)) in cells.zip(&self.columns).zip(widths).enumerate() {
            if at > 0 {
                text.push_str(GAP);
            }
            pad(text, cell, column.align, *width);
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }
}

/// Writes the whole table, as wide as its cells.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(None))
    }
}

/// Narrows the widest column, one character at a time, until the table fits or every column has the smallest width.
fn shrink(widths: &mut [usize], available: usize) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > available {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => return,
        }
    }
}

/// Adds a cell to a text, padded to the width of its column.
fn pad(text: &mut String, cell: &str, align: Align, column: usize) {
    let cell = truncate(cell, column);
    let space = std::iter::repeat_n(' ', column.saturating_sub(width(&cell)));
    match align {
        Align::Left => {
            text.push_str(&cell);
            text.extend(space);
        }
        Align::Right => {
            text.extend(space);
            text.push_str(&cell);
        }
    }
}

/// Returns the width of a text without control characters. Most cells are ASCII, and there may be a hundred thousand.
fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// Cuts the text to a width and marks a cut with `…`.
fn truncate(text: &str, column: usize) -> Cow<'_, str> {
    if width(text) <= column {
        return Cow::Borrowed(text);
    }
    let mut cut = String::new();
    let mut left = column.saturating_sub(1);
    for letter in text.chars() {
        let needed = letter.width().unwrap_or(0);
        if needed > left {
            break;
        }
        left -= needed;
        cut.push(letter);
    }
    cut.push('…');
    Cow::Owned(cut)
}

/// Puts the text on one line. Captions come from strangers: a control character in one must not reach the terminal.
fn one_line(text: String) -> String {
    match text.chars().any(char::is_control) {
        true => text.replace(char::is_control, " "),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs() -> Table {
        let mut table = Table::new([
            Column::left("run"),
            Column::left("caption"),
            Column::right("items"),
            Column::left("accuracy"),
        ]);
        table.row([
            "new-yorker-b32",
            "I'd like to see other people, but only from the side.",
            "528",
            "0.621",
        ]);
        table.row(["lora", "Das war schön, 東京!\u{1b}[31m\nAgain?", "10,240", "–"]);
        table.row(["short"]);
        table
    }

    #[test]
    fn columns_align_and_lines_do_not_trail() {
        insta::assert_snapshot!(runs().to_string(), @r"
        run             caption                                                 items  accuracy
        new-yorker-b32  I'd like to see other people, but only from the side.     528  0.621
        lora            Das war schön, 東京! [31m Again?                       10,240  –
        short
        ");
    }

    #[test]
    fn the_widest_column_gives_way() {
        let text = runs().render(Some(60));
        assert!(text.lines().all(|line| line.width() <= 60));
        insta::assert_snapshot!(text, @r"
        run             caption                      items  accuracy
        new-yorker-b32  I'd like to see other peo…     528  0.621
        lora            Das war schön, 東京! [31m…  10,240  –
        short
        ");
    }

    #[test]
    fn a_tiny_terminal_gets_a_table_that_is_too_wide_but_readable() {
        insta::assert_snapshot!(runs().render(Some(10)), @r"
        run     capti…   items  accur…
        new-y…  I'd l…     528  0.621
        lora    Das w…  10,240  –
        short
        ");
    }

    #[test]
    fn a_wide_letter_is_never_cut_in_half() {
        assert_eq!(truncate("東京都", 4), "東…");
        assert_eq!(truncate("東京都", 6), "東京都");
        assert_eq!(truncate("abc", 0), "…");
    }
}
