//! The meaning of a plain scalar in YAML 1.2's core schema.

use super::node::Value;

/// Reads a scalar without quotes. `yes`, `1_000` and `12:30` are text, as YAML 1.2 says.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Boolean(true),
        "false" | "False" | "FALSE" => Value::Boolean(false),
        _ => number(text).unwrap_or_else(|| Value::Text(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
        return Some(Value::Number(sign * f64::INFINITY));
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Value::Number(f64::NAN));
    }
    if let Some(value) = radix(text) {
        return Some(Value::Whole(value));
    }
    // Rust also takes `inf`, `nan` and `infinity`, which are words in YAML.
    let digits = unsigned.bytes().any(|byte| byte.is_ascii_digit());
    let numeric = unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if !(digits && numeric) || unsigned.starts_with(['e', 'E']) {
        return None;
    }
    text.parse().map(Value::Whole).or_else(|_| text.parse().map(Value::Number)).ok()
}

fn radix(text: &str) -> Option<i64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x', ..] => (text.get(2..)?, 16),
        [b'0', b'o', ..] => (text.get(2..)?, 8),
        _ => return None,
    };
    if digits.starts_with(['+', '-']) { None } else { i64::from_str_radix(digits, radix).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        format!("{:?}", plain(text))
    }

    #[test]
    fn numbers_are_numbers() {
        assert_eq!(shown("1e-5"), "Number(1e-5)");
        assert_eq!(shown(".5"), "Number(0.5)");
        assert_eq!(shown("-12"), "Whole(-12)");
        assert_eq!(shown("0x1F"), "Whole(31)");
        assert_eq!(shown("-.inf"), "Number(-inf)");
        assert_eq!(shown("99999999999999999999"), "Number(1e20)");
    }

    #[test]
    fn words_that_look_like_numbers_are_text() {
        for word in ["inf", "nan", "e5", "1_000", "12:30", "1.2.3", "yes", "0x", "0x-1", "-", ".", "+.e"] {
            assert!(matches!(plain(word), Value::Text(_)), "{word}");
        }
    }
}
