//! Reads JSON as DuckDB writes it, which has numbers that JSON has not.

/// The numbers that are not finite, as DuckDB writes them.
const WORDS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];

/// Returns the same JSON with numbers that are not finite as texts.
pub(super) fn strict(json: &str) -> String {
    let mut strict = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(letter) = rest.chars().next() {
        let length = match (letter, WORDS.iter().find(|word| rest.starts_with(**word))) {
            ('"', _) => text(rest),
            (_, Some(word)) => {
                strict.push_str(&format!("\"{word}\""));
                rest = &rest[word.len()..];
                continue;
            }
            (letter, None) => letter.len_utf8(),
        };
        let (part, after) = rest.split_at(length);
        strict.push_str(part);
        rest = after;
    }
    strict
}

/// Returns the length of the text that the JSON begins with, with its quotes.
fn text(json: &str) -> usize {
    let mut is_escaped = false;
    let end = json.char_indices().skip(1).find(|(_, letter)| {
        let ends = *letter == '"' && !is_escaped;
        is_escaped = *letter == '\\' && !is_escaped;
        ends
    });
    end.map_or(json.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_are_not_finite_change() {
        for (written, expected) in [
            (r#"{"a":NaN,"b":[Infinity,-Infinity,1.5]}"#, r#"{"a":"NaN","b":["Infinity","-Infinity",1.5]}"#),
            (r#"{"NaN":"is NaN, \"NaN\" \\","ü":NaN}"#, r#"{"NaN":"is NaN, \"NaN\" \\","ü":"NaN"}"#),
            (r#"["\\",NaN]"#, r#"["\\","NaN"]"#),
            ("[]", "[]"),
        ] {
            assert_eq!(strict(written), expected);
            assert!(serde_json::from_str::<serde_json::Value>(&strict(written)).is_ok(), "{written}");
        }
    }
}
