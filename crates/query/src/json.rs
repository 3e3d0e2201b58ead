//! JSON that is JSON, and does nothing in a terminal.

use cliptune_terminal::format;

/// Puts the words that DuckDB has written as numbers into quotes, as [`quote_words`] does, and escapes the characters that no output may hold.
pub(crate) fn harmless_json(json: &str) -> String {
    format::harmless_json(&quote_words(json)).into_owned()
}

/// Returns a JSON document of rows that are JSON already.
pub fn json_document(rows: &[String]) -> String {
    match rows {
        [] => "[]".to_owned(),
        rows => format!("[\n  {}\n]", rows.join(",\n  ")),
    }
}

/// Puts the words for infinite numbers and for what is no number into quotes, wherever a program has written them as numbers.
pub fn quote_words(json: &str) -> String {
    const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    let mut quoted = String::with_capacity(json.len());
    let (mut rest, mut is_text) = (json, false);
    while let Some(letter) = rest.chars().next() {
        let word = WORDS.into_iter().find(|word| !is_text && rest.starts_with(word));
        let length = match (word, letter) {
            (Some(word), _) => {
                quoted.extend(["\"", word, "\""]);
                rest = &rest[word.len()..];
                continue;
            }
            (None, '\\') if is_text => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            (None, '"') => {
                is_text = !is_text;
                1
            }
            (None, letter) => letter.len_utf8(),
        };
        quoted.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::harmless_json;

    #[test]
    fn words_are_quoted_outside_of_texts_only() {
        let json = r#"{"NaN":NaN,"a\"NaN":[-Infinity,1.5],"é\\":Infinity,"b":"x NaN\\\" Infinity"}"#;
        let quoted = r#"{"NaN":"NaN","a\"NaN":["-Infinity",1.5],"é\\":"Infinity","b":"x NaN\\\" Infinity"}"#;
        assert_eq!(harmless_json(json), quoted);
    }

    #[test]
    fn no_character_gives_orders() {
        let json = serde_json::json!({ "\u{202e}": "a\u{9b}2J\u{7f} 東京 é" });
        let harmless = harmless_json(&json.to_string());
        assert_eq!(harmless, r#"{"\u202e":"a\u009b2J\u007f 東京 é"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&harmless).unwrap(), json);
    }
}
