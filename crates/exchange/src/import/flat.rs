//! Nested maps as dotted keys.

use std::collections::BTreeMap;

use serde_json::Value;

/// Puts the values of nested maps under their dotted keys. Lists are values.
pub(super) fn flatten(value: &Value, into: &mut BTreeMap<String, Value>) {
    fn below(prefix: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    below(&key, value, into);
                }
            }
            _ if prefix.is_empty() => {}
            value => drop(into.insert(prefix.to_owned(), value.clone())),
        }
    }
    below("", value, into);
}

/// Returns a text as the value that it spells: a number, `true` or `false`, or else the text. A whole number of more digits than a
/// number holds stays a text.
pub(super) fn value_of(text: &str) -> Value {
    match text {
        "true" | "True" => Value::Bool(true),
        "false" | "False" => Value::Bool(false),
        _ => match serde_json::from_str(text) {
            Ok(number @ Value::Number(_)) if text.trim() == text && is_held(&number, text) => number,
            _ => Value::from(text),
        },
    }
}

fn is_held(number: &Value, text: &str) -> bool {
    !number.is_f64() || text.contains(['.', 'e', 'E'])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn maps_become_dotted_keys_and_lists_stay() {
        let mut flat = BTreeMap::new();
        flatten(&json!({ "train": { "lr": 0.1, "betas": [0.9, 0.98] }, "name": "a" }), &mut flat);
        let keys: Vec<&str> = flat.keys().map(String::as_str).collect();
        assert_eq!(keys, ["name", "train.betas", "train.lr"]);
        assert_eq!(flat["train.betas"], json!([0.9, 0.98]));
    }

    #[test]
    fn numbers_and_truths_are_told_from_texts() {
        assert_eq!(value_of("1e-5"), json!(1e-5));
        assert_eq!(value_of("32"), json!(32));
        assert_eq!(value_of("True"), json!(true));
        assert_eq!(value_of("18446744073709551615"), json!(u64::MAX));
        for text in ["", "None", "NaN", "0x10", "1,5", " 1", "123456789012345678901234"] {
            assert_eq!(value_of(text), json!(text), "{text}");
        }
    }
}
