//! The gate of spreadsheets.

use cliptune_terminal::format::visible_lines;

/// Returns a line of CSV without its line break. Numbers are as they are. A text that a spreadsheet would take for a formula
/// gets a `'` in front, and characters that no output may hold are written as escapes: whoever needs texts as they are asks for
/// JSON or parquet.
pub fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    cells.into_iter().map(cell).collect::<Vec<_>>().join(",")
}

fn cell(text: &str) -> String {
    let mut cell = unformulated(&visible_lines(text));
    if is_formula(text) {
        cell.insert(0, '\'');
    }
    match cell.contains([',', ';', '"', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

/// Checks whether a spreadsheet may take a text for a formula. A number is none.
fn is_formula(text: &str) -> bool {
    let is_number = text.parse::<f64>().is_ok() && text.contains(|letter: char| letter.is_ascii_digit());
    begins_formula(text.trim_start_matches([' ', '\n'])) && !is_number
}

fn begins_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
}

/// Puts a `'` behind each semicolon that a formula follows. Where the decimal point is a comma, a spreadsheet begins a new cell
/// at a semicolon, whatever the quotes say.
fn unformulated(text: &str) -> String {
    let mut parts = text.split_inclusive(';');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + if begins_formula(part) { "'" } else { "" } + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_numbers_stay_numbers() {
        let cells = [
            "=1+1", "+1", "-2.5e-3", "-1+1", "@SUM(A1)", "\t=1", " =1", "-inf", "plain", "1e-5", "-", "\r=1",
        ];
        assert_eq!(
            csv_line(cells),
            "'=1+1,+1,-2.5e-3,'-1+1,'@SUM(A1),'\\t=1,' =1,'-inf,plain,1e-5,'-,'\\r=1"
        );
    }

    #[test]
    fn a_formula_behind_a_semicolon_is_none_either() {
        assert_eq!(csv_line(["a;=1+1;b", ";-1", "a; b"]), "\"a;'=1+1;b\",\";'-1\",\"a; b\"");
    }

    #[test]
    fn cells_are_quoted_as_rfc_4180_has_it_and_give_no_orders() {
        assert_eq!(
            csv_line(["a,b", "it's \"so\"", "two\nlines", "", "\u{1b}[31m"]),
            "\"a,b\",\"it's \"\"so\"\"\",\"two\nlines\",,\\u{1b}[31m"
        );
    }
}
