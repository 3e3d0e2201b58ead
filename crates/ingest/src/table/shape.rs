//! The types of JSON values, which are learned from all lines of a file.
//!
//! Texts stay texts. Nothing is guessed from what they look like.

use std::collections::HashMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::limits;

/// The largest whole number up to which floating-point numbers are exact.
const EXACT: u64 = 1 << 53;
/// The end of the range that DuckDB reads as its whole numbers. Larger ones keep their digits as JSON.
const LARGE: f64 = 18_446_744_073_709_551_616.0;

/// The kind of values that have been met at one place so far.
#[derive(Debug, Default)]
pub(crate) enum Shape {
    /// Only null has been met.
    #[default]
    Unknown,
    Boolean,
    Whole(Range),
    Number,
    Text,
    List(Box<Self>),
    Object(Fields),
    /// The values are of several kinds and stay JSON.
    Mixed,
}

/// The range of the whole numbers at one place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    min: i128,
    max: i128,
}

/// The keys of the objects at one place, in the order in which they were first met.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    fields: Vec<Field>,
    places: HashMap<String, usize>,
}

#[derive(Debug)]
struct Field {
    name: String,
    shape: Shape,
    /// The number of the last object that had this key.
    seen: u64,
}

impl Fields {
    /// Returns each key with its shape.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.fields.iter().map(|field| (field.name.as_str(), &field.shape))
    }

    /// Checks whether SQL, which ignores the case of names, can tell the keys apart.
    fn are_names(&self) -> bool {
        let lower: std::collections::HashSet<String> =
            self.places.keys().map(|name| name.to_lowercase()).collect();
        lower.len() == self.fields.len() && !self.places.contains_key("")
    }
}

impl Range {
    fn sql(self) -> &'static str {
        match (i64::try_from(self.min), i64::try_from(self.max)) {
            (Ok(_), Ok(_)) => "BIGINT",
            _ if self.min >= 0 => "UBIGINT",
            _ => "HUGEINT",
        }
    }

    fn is_exact(self) -> bool {
        self.min.unsigned_abs().max(self.max.unsigned_abs()) <= EXACT.into()
    }
}

impl Shape {
    /// Returns the shape in the form that DuckDB's `from_json` expects.
    pub(crate) fn sql(&self) -> Value {
        match self {
            Self::Boolean => "BOOLEAN".into(),
            Self::Whole(range) => range.sql().into(),
            Self::Number => "DOUBLE".into(),
            Self::Text => "VARCHAR".into(),
            Self::List(of) => Value::Array(vec![of.sql()]),
            Self::Object(fields) if !fields.fields.is_empty() && fields.are_names() => fields
                .iter()
                .map(|(name, shape)| (name.to_owned(), shape.sql()))
                .collect::<Map<_, _>>()
                .into(),
            Self::Unknown | Self::Object(_) | Self::Mixed => "JSON".into(),
        }
    }

    /// Takes one more value into account.
    fn meet(&mut self, other: Self) {
        let met = match (std::mem::take(self), other) {
            (Self::Unknown, other) => other,
            (Self::Whole(a), Self::Whole(b)) => {
                Self::Whole(Range { min: a.min.min(b.min), max: a.max.max(b.max) })
            }
            (Self::Whole(range), Self::Number) | (Self::Number, Self::Whole(range)) if range.is_exact() => {
                Self::Number
            }
            (Self::Boolean, Self::Boolean) => Self::Boolean,
            (Self::Number, Self::Number) => Self::Number,
            (Self::Text, Self::Text) => Self::Text,
            _ => Self::Mixed,
        };
        *self = met;
    }
}

/// The state of learning from lines.
#[derive(Default)]
pub(crate) struct Lessons {
    /// The fields that have been learned for the lines as wholes.
    pub(crate) row: Fields,
    /// The number of objects met so far.
    objects: u64,
    /// The number of keys met so far, at all places.
    keys: usize,
}

impl Lessons {
    /// Learns from a line, which has to be an object.
    pub(crate) fn learn(&mut self, line: &str) -> Result<(), String> {
        if !line.trim_start().starts_with('{') {
            return Err("not a JSON object; a table has one object in each line".to_owned());
        }
        let mut row = Shape::Object(std::mem::take(&mut self.row));
        let mut deserializer = serde_json::Deserializer::from_str(line);
        let learned =
            Lesson { shape: &mut row, lessons: &mut *self, depth: 0 }.deserialize(&mut deserializer);
        let learned = learned.and_then(|()| deserializer.end());
        if let Shape::Object(fields) = row {
            self.row = fields;
        }
        learned.map_err(|error| {
            let said = error.to_string();
            let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
            match error.is_data() {
                true => said.to_owned(),
                false => format!("not a whole JSON object: {said} at column {}", error.column()),
            }
        })
    }
}

/// One value to learn from, and the place where it stands.
struct Lesson<'a> {
    shape: &'a mut Shape,
    lessons: &'a mut Lessons,
    depth: usize,
}

impl Lesson<'_> {
    fn deeper<E: de::Error>(&self) -> Result<usize, E> {
        if self.depth > limits::DEPTH { Err(E::custom(limits::too_deep())) } else { Ok(self.depth + 1) }
    }
}

impl<'de> DeserializeSeed<'de> for Lesson<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Lesson<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.shape.meet(Shape::Boolean);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.shape.meet(Shape::Whole(Range { min: value.into(), max: value.into() }));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.shape.meet(Shape::Whole(Range { min: value.into(), max: value.into() }));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.shape.meet(if value.abs() < LARGE { Shape::Number } else { Shape::Mixed });
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.shape.meet(Shape::Text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let depth = self.deeper::<A::Error>()?;
        match self.shape {
            Shape::List(_) => {}
            Shape::Unknown => *self.shape = Shape::List(Box::default()),
            _ => *self.shape = Shape::Mixed,
        }
        let mut aside = Shape::Mixed;
        let of = match self.shape {
            Shape::List(of) => &mut **of,
            _ => &mut aside,
        };
        while values
            .next_element_seed(Lesson { shape: &mut *of, lessons: &mut *self.lessons, depth })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let depth = self.deeper::<A::Error>()?;
        self.lessons.objects += 1;
        let object = self.lessons.objects;
        match self.shape {
            Shape::Object(_) => {}
            Shape::Unknown => *self.shape = Shape::Object(Fields::default()),
            _ => *self.shape = Shape::Mixed,
        }
        while let Some(name) = values.next_key::<String>()? {
            let place = match &mut *self.shape {
                Shape::Object(fields) => field(fields, name, object, &mut *self.lessons, depth)
                    .map_err(<A::Error as de::Error>::custom)?,
                _ => None,
            };
            if place.is_none() {
                *self.shape = Shape::Mixed;
            }
            let mut aside = Shape::Mixed;
            let shape = match (&mut *self.shape, place) {
                (Shape::Object(fields), Some(place)) => &mut fields.fields[place].shape,
                _ => &mut aside,
            };
            values.next_value_seed(Lesson { shape, lessons: &mut *self.lessons, depth })?;
        }
        Ok(())
    }
}

/// Returns the index of a key among the fields, or `None` if an object has so many keys that it is a map.
fn field(
    fields: &mut Fields,
    name: String,
    object: u64,
    lessons: &mut Lessons,
    depth: usize,
) -> Result<Option<usize>, String> {
    if let Some(&place) = fields.places.get(&name) {
        let field = &mut fields.fields[place];
        if std::mem::replace(&mut field.seen, object) == object {
            return Err(format!("the key \"{name}\" stands twice in one object"));
        }
        return Ok(Some(place));
    }
    if depth > 1 && fields.fields.len() >= limits::KEYS {
        return Ok(None);
    }
    lessons.keys += 1;
    if lessons.keys > limits::COLUMNS {
        return Err(limits::too_wide());
    }
    fields.places.insert(name.clone(), fields.fields.len());
    fields.fields.push(Field { name, shape: Shape::Unknown, seen: object });
    Ok(Some(fields.fields.len() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(lines: &[&str]) -> Result<String, String> {
        let mut lessons = Lessons::default();
        for line in lines {
            lessons.learn(line)?;
        }
        Ok(Shape::Object(lessons.row).sql().to_string())
    }

    #[test]
    fn a_text_is_a_text_whatever_it_looks_like() {
        for text in [
            "1:15",
            "2025-01-11",
            "007",
            "1e5",
            "true",
            "NaN",
            "null",
            "",
            "550e8400-e29b-41d4-a716-446655440000",
        ] {
            let line = format!("{{\"a\": \"{text}\", \"b\": [[\"{text}\"]]}}");
            assert_eq!(learned(&[&line]).unwrap(), r#"{"a":"VARCHAR","b":[["VARCHAR"]]}"#);
        }
    }

    #[test]
    fn lines_are_read_together() {
        let lines = [
            r#"{"a": 1, "b": null, "c": [], "d": {"x": 1}}"#,
            r#"{"a": 2.5, "b": true, "c": [-3], "d": {"y": "z"}}"#,
        ];
        let expected = r#"{"a":"DOUBLE","b":"BOOLEAN","c":["BIGINT"],"d":{"x":"BIGINT","y":"VARCHAR"}}"#;
        assert_eq!(learned(&lines).unwrap(), expected);
    }

    #[test]
    fn what_is_of_several_kinds_or_too_large_to_be_exact_stays_as_it_is_written() {
        let kinds = [("1", "\"1\""), ("[1]", "{}"), ("true", "1"), ("9007199254740993", "0.5")];
        for (one, other) in kinds {
            let lines = [format!("{{\"a\": {one}}}"), format!("{{\"a\": {other}}}")];
            assert_eq!(learned(&[&lines[0], &lines[1]]).unwrap(), r#"{"a":"JSON"}"#, "{one} {other}");
        }
        assert_eq!(learned(&[r#"{"a": 123456789012345678901234567890}"#]).unwrap(), r#"{"a":"JSON"}"#);
        assert_eq!(learned(&[r#"{"a": 18446744073709551615}"#]).unwrap(), r#"{"a":"UBIGINT"}"#);
    }

    #[test]
    fn absurd_nesting_and_width_are_refused() {
        let nested = |depth: usize| format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(learned(&[&nested(limits::DEPTH)]).is_ok());
        for depth in [limits::DEPTH + 2, 1_000, 20_000] {
            assert!(learned(&[&nested(depth)]).unwrap_err().contains("nests more than"), "{depth}");
        }
        // This also holds where the values are of several kinds and no types are learned.
        assert!(learned(&["{\"a\": 1}", &nested(20_000)]).unwrap_err().contains("nests more than"));
        let wide = |keys: usize| {
            format!("{{{}}}", (0..keys).map(|n| format!("\"c{n}\": 1")).collect::<Vec<_>>().join(","))
        };
        assert!(learned(&[&wide(limits::COLUMNS + 1)]).unwrap_err().contains("columns"));
        // An object with many keys within a column is a map, which is no reason to refuse the table.
        assert_eq!(
            learned(&[&format!("{{\"a\": {}}}", wide(limits::COLUMNS + 1))]).unwrap(),
            r#"{"a":"JSON"}"#
        );
    }

    #[test]
    fn what_is_no_object_says_so() {
        for line in
            ["[{\"a\": 1}]", "1", "\"a\"", "{", "{\"a\": 1} 2", "{\"a\": NaN}", "{\"a\": 1, \"a\": 2}"]
        {
            assert!(learned(&[line]).is_err(), "{line}");
        }
    }
}
