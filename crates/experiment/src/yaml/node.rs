//! The tree that a YAML file is parsed into.

use std::num::NonZeroUsize;

use crate::source::Span;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The place of the value. For a block map or list it is the place of the key that holds it.
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// The values that YAML can express here. Anchors, tags and keys that are not text are refused while parsing.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// A value that has already been reported. It reads as nothing, so that it is not reported again.
    Invalid,
}

/// A key of a map and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn null(span: Span) -> Self {
        Self { span, value: Value::Null }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    /// Returns the entries of a map. Any other value has none.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the values of a list, or `None` for any other value.
    pub(crate) fn items(&self) -> Option<&[Self]> {
        if let Value::List(items) = &self.value { Some(items) } else { None }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Returns the entry of a key, unless its value is null.
    pub(crate) fn entry_of(&self, key: &str) -> Option<&Entry> {
        self.entry(key).filter(|entry| !entry.value.is_null())
    }

    /// Returns the value of a key, unless it is null, which means the same as a missing key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry_of(key).map(|entry| &entry.value)
    }

    /// Reads the value of a key as a Rust type. Returns `None` if it is absent or of another type.
    pub(crate) fn read<T: FromNode>(&self, key: &str) -> Option<T> {
        T::from_node(self.get(key)?)
    }

    /// Reads a whole number or a decimal one.
    pub(crate) fn number(&self) -> Option<f64> {
        f64::from_node(self)
    }

    /// Returns the kind of the value, as the object of "found".
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null | Value::Invalid => "nothing",
            Value::Boolean(_) => "a boolean",
            Value::Whole(_) | Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Creates a value that no file holds.
    pub(crate) fn from_json(value: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        let entry = |(key, value)| Entry { key, key_span: Span::DEFAULT, value: Self::from_json(value) };
        let value = match value {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Boolean(value),
            Json::Number(value) => match (value.as_i64(), value.as_f64()) {
                (Some(value), _) => Value::Whole(value),
                (None, Some(value)) => Value::Number(value),
                (None, None) => Value::Invalid,
            },
            Json::String(value) => Value::Text(value),
            Json::Array(values) => Value::List(values.into_iter().map(Self::from_json).collect()),
            Json::Object(map) => Value::Map(map.into_iter().map(entry).collect()),
        };
        Self { span: Span::DEFAULT, value }
    }

    /// Returns the value without its places.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null | Value::Invalid => serde_json::Value::Null,
            Value::Boolean(value) => (*value).into(),
            Value::Whole(value) => (*value).into(),
            Value::Number(value) => (*value).into(),
            Value::Text(value) => value.as_str().into(),
            Value::List(values) => values.iter().map(Self::to_json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect()
            }
        }
    }
}

/// A Rust type that a value can be read as.
pub(crate) trait FromNode: Sized {
    fn from_node(node: &Node) -> Option<Self>;
}

impl FromNode for bool {
    fn from_node(node: &Node) -> Option<Self> {
        if let Value::Boolean(value) = node.value { Some(value) } else { None }
    }
}

impl FromNode for usize {
    fn from_node(node: &Node) -> Option<Self> {
        if let Value::Whole(value) = node.value { value.try_into().ok() } else { None }
    }
}

impl FromNode for NonZeroUsize {
    fn from_node(node: &Node) -> Option<Self> {
        Self::new(usize::from_node(node)?)
    }
}

impl FromNode for u32 {
    fn from_node(node: &Node) -> Option<Self> {
        if let Value::Whole(value) = node.value { value.try_into().ok() } else { None }
    }
}

impl FromNode for f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a whole number above 2^53 is out of every bound of the language"
    )]
    fn from_node(node: &Node) -> Option<Self> {
        match node.value {
            Value::Number(value) => Some(value),
            Value::Whole(value) => Some(value as Self),
            _ => None,
        }
    }
}

impl FromNode for String {
    fn from_node(node: &Node) -> Option<Self> {
        if let Value::Text(value) = &node.value { Some(value.clone()) } else { None }
    }
}

/// A pair is read from a list of exactly two numbers.
impl FromNode for (f64, f64) {
    fn from_node(node: &Node) -> Option<Self> {
        match Vec::from_node(node)?.as_slice() {
            [one, other] => Some((*one, *other)),
            _ => None,
        }
    }
}

/// A single value is read as a list of one. Where a list is required, the shape has already refused a single value.
impl<T: FromNode> FromNode for Vec<T> {
    fn from_node(node: &Node) -> Option<Self> {
        match &node.value {
            Value::List(values) => values.iter().map(T::from_node).collect(),
            _ => T::from_node(node).map(|value| vec![value]),
        }
    }
}
