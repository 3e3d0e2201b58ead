//! The value of one column in one row.

use std::borrow::Cow;
use std::cmp::Ordering;

use cliptune_experiment::{spelled, spelled_number};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A value, or the lack of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// There is no value.
    Null,
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Truth(bool),
    /// Several texts.
    Texts(&'a [String]),
    /// A list or a map, as JSON.
    Json(&'a Value),
}

impl<'a> Cell<'a> {
    /// Returns a text.
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Returns a count, which is never as large as to be no `i64`.
    pub(crate) fn count(count: u64) -> Self {
        i64::try_from(count).map_or(Self::Null, Self::Whole)
    }

    /// Returns a measured number, or `Null` where there is none because it is infinite or not a number.
    pub(crate) fn measured(value: f64) -> Self {
        if value.is_finite() { Self::Number(value) } else { Self::Null }
    }

    /// Returns what `make` gives for a value, or `Null` where there is none.
    pub(crate) fn maybe<T>(value: Option<T>, make: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, make)
    }

    /// Returns the value as a person writes it; what is missing is empty.
    pub fn spelled(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Whole(value) => Cow::Owned(value.to_string()),
            Self::Number(value) => Cow::Owned(spelled_number(*value)),
            Self::Truth(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Texts(texts) => Cow::Owned(texts.join(", ")),
            Self::Json(value) => Cow::Owned(spelled(value)),
        }
    }

    /// Compares two values of one column: what is missing comes first, numbers come before texts.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Truth(one), Self::Truth(other)) => one.cmp(other),
            (Self::Texts(one), Self::Texts(other)) => one.cmp(other),
            (Self::Json(one), Self::Json(other)) => spelled(one).cmp(&spelled(other)),
            _ => match (self.number(), other.number()) {
                (Some(one), Some(other)) => one.total_cmp(&other),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }

    /// Returns the number that this is.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Truth(_) => 1,
            Self::Whole(_) | Self::Number(_) => 2,
            Self::Text(_) => 3,
            Self::Texts(_) | Self::Json(_) => 4,
        }
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Whole(value) => serializer.serialize_i64(*value),
            // A whole number is written as one, as in an experiment.
            Self::Number(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                serializer.serialize_i64(*value as i64)
            }
            Self::Number(value) => serializer.serialize_f64(*value),
            Self::Truth(value) => serializer.serialize_bool(*value),
            Self::Texts(texts) => serializer.collect_seq(*texts),
            Self::Json(value) => value.serialize(serializer),
        }
    }
}
