//! Lines of CSV and Markdown that do nothing where they are opened, whatever strangers have written into the cells.

use cliptune_terminal::format::visible;

/// Returns a line of CSV without its line break. A text that a spreadsheet would take for a formula gets a `'` in front, and
/// characters that a terminal obeys are written as escapes.
pub fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    cells.into_iter().map(csv_cell).collect::<Vec<_>>().join(",")
}

fn csv_cell(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(visible).collect();
    let mut cell = lines.join("\n");
    if is_formula(text) {
        cell.insert(0, '\'');
    }
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

/// Checks whether a spreadsheet may take a text for a formula. A number is none.
fn is_formula(text: &str) -> bool {
    let is_number = text.parse::<f64>().is_ok() && text.contains(|letter: char| letter.is_ascii_digit());
    let begins = text
        .trim_start_matches([' ', '\n'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    begins && !is_number
}

/// Returns a row of a Markdown table without its line break, with everything escaped that would be markup.
pub fn markdown_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(markdown_cell).collect();
    format!("| {} |", cells.join(" | "))
}

fn markdown_cell(text: &str) -> String {
    let text = visible(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut cell = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' | '$' | ':' | '@' => {
                cell.extend(['\\', letter]);
            }
            '<' => cell.push_str("&lt;"),
            '>' => cell.push_str("&gt;"),
            '&' => cell.push_str("&amp;"),
            letter => cell.push(letter),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_numbers_stay_numbers() {
        let cells =
            ["=1+1", "+1", "-2.5e-3", "-1+1", "@SUM(A1)", "\t=1", " =1", "-inf", "plain", "1e-5", "-"];
        assert_eq!(csv_line(cells), "'=1+1,+1,-2.5e-3,'-1+1,'@SUM(A1),'\\t=1,' =1,'-inf,plain,1e-5,'-");
    }

    #[test]
    fn cells_are_quoted_as_rfc_4180_has_it_and_give_no_orders() {
        assert_eq!(
            csv_line(["a,b", "it's \"so\"", "two\nlines", "", "\u{1b}[31m"]),
            "\"a,b\",\"it's \"\"so\"\"\",\"two\nlines\",,\\u{1b}[31m"
        );
    }

    #[test]
    fn markdown_has_no_markup_of_strangers() {
        let cells =
            ["a|b", "<img src=x>", "[x](javascript:alert(1))", "two\nlines", "@someone `code` \u{202e}"];
        assert_eq!(
            markdown_line(cells),
            "| a\\|b | &lt;img src=x&gt; | \\[x\\](javascript\\:alert(1)) | two lines | \\@someone \\`code\\` \\\\u{202e} |"
        );
    }
}
