//! Spells settings as people write them, for messages and tables.

use serde_json::Value;

/// Spells a value of the language as people write it: `adamw`, `1e-5`, `[0,1]`, and `none` for what is not set.
pub fn spelled(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        // Not every whole number is a floating-point one.
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map_or_else(|| number.to_string(), spelled_number)
        }
        Value::Object(map) => {
            let entries: Vec<_> =
                map.iter().map(|(key, value)| format!("{key}: {}", spelled(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// Spells a number as people write it: `1e-5` and `1e-3` as learning rates are written, but `0.002`, `0.01` and `32`; and `1.8e308`, of
/// which nobody reads the zeros.
pub fn spelled_number(value: f64) -> String {
    let is_tiny = value != 0.0 && value.abs() <= 1e-3;
    if is_tiny || value.abs() >= 1e16 { format!("{value:e}") } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn small_numbers_are_spelled_as_learning_rates_are() {
        let values = [json!(1e-5), json!(0.0005), json!(0.001), json!(-0.00025)];
        assert_eq!(values.map(|value| spelled(&value)), ["1e-5", "5e-4", "1e-3", "-2.5e-4"]);
    }

    #[test]
    fn numbers_that_are_easily_read_are_spelled_out() {
        let values = [json!(0.002), json!(0.01), json!(-0.002), json!(32), json!(0)];
        assert_eq!(values.map(|value| spelled(&value)), ["0.002", "0.01", "-0.002", "32", "0"]);
        assert_eq!(spelled_number(-f64::MAX), "-1.7976931348623157e308");
        assert_eq!([f64::INFINITY, f64::NAN].map(spelled_number), ["inf", "NaN"]);
        assert_eq!(spelled(&json!(u64::MAX)), "18446744073709551615");
    }

    #[test]
    fn other_values_are_spelled_as_in_yaml() {
        let values =
            [json!(null), json!("cosine"), json!([0, 1]), json!(true), json!({ "rank": 8, "of": [0.5] })];
        let expected = ["none", "cosine", "[0,1]", "true", "{rank: 8, of: [0.5]}"];
        assert_eq!(values.map(|value| spelled(&value)), expected);
    }
}
