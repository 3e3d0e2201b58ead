//! The SQL types of columns, as far as they affect how a column is read.

use cliptune_store::sql_name;

/// The kind of values that a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text, and everything that becomes text when it is written down: dates, times and UUIDs.
    Text,
    /// Whole or decimal numbers.
    Number,
    Boolean,
    /// JSON values, possibly of several kinds.
    Json,
    List(Box<Self>),
    /// A struct, with the names and kinds of its fields.
    Struct(Vec<(String, Self)>),
    Map,
    /// Binary data.
    Blob,
    /// Any other type, which is not read as text.
    Other,
}

impl Kind {
    /// Parses a type in the form in which DuckDB writes it.
    pub(crate) fn parse(written: &str) -> Self {
        if let Some((of, _)) = written.strip_suffix(']').and_then(|list| list.rsplit_once('[')) {
            return Self::List(Box::new(Self::parse(of)));
        }
        match written.split('(').next().unwrap_or_default() {
            "VARCHAR" | "ENUM" | "UUID" | "DATE" | "TIME" | "TIMESTAMP" | "INTERVAL" => Self::Text,
            temporal if temporal.starts_with("TIME") => Self::Text,
            "FLOAT" | "DOUBLE" | "DECIMAL" | "BIGNUM" => Self::Number,
            whole if whole.ends_with("INT") || whole.ends_with("INTEGER") => Self::Number,
            "BOOLEAN" => Self::Boolean,
            "JSON" => Self::Json,
            "BLOB" => Self::Blob,
            "MAP" => Self::Map,
            "STRUCT" => Self::Struct(fields(written)),
            _ => Self::Other,
        }
    }

    /// Checks whether a value of this kind becomes a text when it is written down.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Number | Self::Boolean | Self::Json)
    }

    /// Returns an SQL expression that makes a text of a value of this kind, if there is one.
    pub(crate) fn as_text(&self, value: &str) -> Option<String> {
        match self {
            kind if kind.is_text() => Some(value.to_owned()),
            Self::Struct(fields) => within(fields, value, Self::as_text),
            Self::List(of) => of.as_text(&format!("{value}[1]")),
            Self::Map => Some(format!("map_values({value})[1]")),
            Self::Blob => Some(format!("decode({value})")),
            _ => None,
        }
    }

    /// Returns an SQL expression that makes a list of texts of a value of this kind, if there is one. `one` is a name that no column
    /// of the table has.
    pub(crate) fn as_list(&self, value: &str, one: &str) -> Option<String> {
        match self {
            Self::List(of) => match &**of {
                of if of.is_text() => Some(value.to_owned()),
                Self::List(inner) if inner.is_text() => Some(format!("flatten({value})")),
                of => of.as_text(one).map(|text| format!("[{text} for {one} in {value}]")),
            },
            Self::Struct(fields) => within(fields, value, |kind, value| kind.as_list(value, one)),
            Self::Map => Some(format!("map_values({value})")),
            _ => None,
        }
    }
}

/// Returns what the first suitable field gives.
fn within(
    fields: &[(String, Kind)],
    value: &str,
    give: impl Fn(&Kind, &str) -> Option<String>,
) -> Option<String> {
    // Text fields come before numbers, because the number is rarely what is meant.
    let (texts, others): (Vec<_>, Vec<_>) = fields.iter().partition(|(_, kind)| *kind == Kind::Text);
    texts
        .into_iter()
        .chain(others)
        .find_map(|(name, kind)| give(kind, &format!("{value}.{}", plain_name(name))))
}

/// Writes a name for SQL, without quotes if it does not need them.
pub(crate) fn plain_name(name: &str) -> String {
    let plain =
        name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if plain && !name.starts_with(|first: char| first.is_ascii_digit()) {
        name.to_owned()
    } else {
        sql_name(name)
    }
}

/// Reads the fields of a type such as `STRUCT(a VARCHAR, "b c" STRUCT(…)[])`.
fn fields(written: &str) -> Vec<(String, Kind)> {
    let inner = written.strip_prefix("STRUCT(").and_then(|rest| rest.strip_suffix(')')).unwrap_or_default();
    parts(inner).into_iter().filter_map(|part| name_and_type(part.trim())).collect()
}

/// Splits text at the commas that are not within brackets or quotes.
fn parts(inner: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_i32, None);
    for (at, letter) in inner.char_indices() {
        match (quote, letter) {
            (Some(open), letter) => quote = (open != letter).then_some(open),
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    parts
}

fn name_and_type(part: &str) -> Option<(String, Kind)> {
    let (name, kind) = match part.strip_prefix('"') {
        Some(quoted) => {
            // A quote within a name is written twice.
            let end = quoted.replace("\"\"", "__").find('"')?;
            (quoted[..end].replace("\"\"", "\""), &quoted[end + 1..])
        }
        None => part.split_once(' ').map(|(name, kind)| (name.to_owned(), kind))?,
    };
    Some((name, Kind::parse(kind.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_understood_as_they_are_written() {
        for (written, kind) in [
            ("VARCHAR", Kind::Text),
            ("ENUM('a]', 'b')", Kind::Text),
            ("TIMESTAMP WITH TIME ZONE", Kind::Text),
            ("DECIMAL(10,2)", Kind::Number),
            ("HUGEINT", Kind::Number),
            ("UINTEGER", Kind::Number),
            ("BOOLEAN", Kind::Boolean),
            ("VARCHAR[3]", Kind::List(Kind::Text.into())),
            ("BLOB[]", Kind::List(Kind::Blob.into())),
            ("MAP(VARCHAR, INTEGER)", Kind::Map),
            ("UNION(a VARCHAR)", Kind::Other),
        ] {
            assert_eq!(Kind::parse(written), kind, "{written}");
        }
    }

    #[test]
    fn what_is_no_text_comes_with_an_expression_that_gives_one() {
        let list = |written: &str| Kind::parse(written).as_list("options", "c");
        assert_eq!(list("STRUCT(id BIGINT, raw VARCHAR)[]").unwrap(), "[c.raw for c in options]");
        assert_eq!(list("STRUCT(n BIGINT, raw VARCHAR[])").unwrap(), "options.raw");
        assert_eq!(list("VARCHAR[][]").unwrap(), "flatten(options)");
        assert_eq!(
            list("STRUCT(\"a \"\"b\"\", c\" STRUCT(t VARCHAR))[]").unwrap(),
            "[c.\"a \"\"b\"\", c\".t for c in options]"
        );
        assert_eq!(list("BIGINT"), None);
        let structs = Kind::parse("STRUCT(raw VARCHAR)[]");
        assert_eq!(structs.as_list("options", "c_").unwrap(), "[c_.raw for c_ in options]");
        let text = |written: &str| Kind::parse(written).as_text("caption");
        assert_eq!(text("STRUCT(id BIGINT, raw VARCHAR)").unwrap(), "caption.raw");
        assert_eq!(text("VARCHAR[]").unwrap(), "caption[1]");
        assert_eq!(text("BLOB").unwrap(), "decode(caption)");
    }
}
