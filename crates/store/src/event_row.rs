//! An event as one row of a table that has all kinds of events.

use std::borrow::Cow;

use serde::Deserialize;

/// An event with a field for everything that some kind of event counts or measures. What the kind does not have is `None`.
/// [`Event`](crate::Event) says what each field means.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the fields are described where the events are")]
pub struct EventRow<'a> {
    pub seq: u64,
    pub time: f64,
    #[serde(borrow, rename = "type")]
    pub kind: Cow<'a, str>,
    pub epoch: Option<u64>,
    pub step: Option<u64>,
    #[serde(default, with = "crate::number::optional")]
    pub loss: Option<f64>,
    #[serde(default, with = "crate::number::optional")]
    pub learning_rate: Option<f64>,
    #[serde(default, with = "crate::number::optional")]
    pub grad_norm: Option<f64>,
    #[serde(default, with = "crate::number::optional")]
    pub logit_scale: Option<f64>,
    #[serde(default, with = "crate::number::optional")]
    pub items_per_second: Option<f64>,
    #[serde(default, with = "crate::number::optional")]
    pub validation_loss: Option<f64>,
    #[serde(default, with = "crate::number::optional")]
    pub validation_accuracy: Option<f64>,
    pub best: Option<bool>,
    pub alpha: Option<f64>,
    pub seconds: Option<f64>,
    #[serde(borrow, default)]
    pub reason: Option<Cow<'a, str>>,
}
