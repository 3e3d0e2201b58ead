//! An event as one row of a table that has all kinds of events.

use std::borrow::Cow;

use serde::Deserialize;

use crate::decimal;
use crate::event::Stamped;

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

impl<'a> EventRow<'a> {
    /// Reads an event from its JSON.
    pub(crate) fn read(json: &'a [u8]) -> Option<Self> {
        Self::step(json).or_else(|| serde_json::from_slice(json).ok()).or_else(|| Self::of_event(json))
    }

    /// Reads an event that holds more than its kind has, which does not fit the columns: something twice, or a number that is a text.
    /// Whatever is an event is a row, of what its kind has.
    fn of_event(json: &[u8]) -> Option<Self> {
        let event: Stamped = serde_json::from_slice(json).ok()?;
        Self::deserialize(serde_json::to_value(event).ok()?).ok()
    }

    /// Reads a step as it is written nearly always, in a fraction of the time. Whatever looks any different is `None`, such as
    /// a loss that is no number.
    fn step(json: &'a [u8]) -> Option<Self> {
        let mut rest = Rest(json);
        let (seq, time) = (rest.whole(b"{\"seq\":")?, rest.number(b",\"time\":")?);
        // Logs of earlier versions do not have it.
        let seconds = rest.number(b",\"seconds\":");
        let step = rest.whole(b",\"type\":\"step\",\"step\":")?;
        let row = Self {
            seq,
            time,
            kind: Cow::Borrowed("step"),
            epoch: Some(rest.whole(b",\"epoch\":")?),
            step: Some(step),
            loss: Some(rest.number(b",\"loss\":")?),
            learning_rate: Some(rest.number(b",\"learning_rate\":")?),
            grad_norm: Some(rest.number(b",\"grad_norm\":")?),
            logit_scale: Some(rest.number(b",\"logit_scale\":")?),
            items_per_second: Some(rest.number(b",\"items_per_second\":")?),
            validation_loss: None,
            validation_accuracy: None,
            best: None,
            alpha: None,
            seconds,
            reason: None,
        };
        (rest.0 == b"}").then_some(row)
    }
}

/// What has not been read of a JSON object.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// Reads a number without a fraction after some bytes.
    fn whole(&mut self, before: &[u8]) -> Option<u64> {
        let (value, rest) = decimal::whole(self.0.strip_prefix(before)?)?;
        self.0 = rest;
        Some(value)
    }

    /// Reads a number after some bytes.
    fn number(&mut self, before: &[u8]) -> Option<f64> {
        let (value, rest) = decimal::number(self.0.strip_prefix(before)?)?;
        self.0 = rest;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    #[test]
    fn a_step_is_read_as_any_other_event_is() {
        let numbers = [0.0, -0.0, 1e-5, 0.1 + 0.2, 1e300, -5e-324, 100.0, 123_456_789.123_456_7];
        for (at, number) in numbers.into_iter().enumerate() {
            let event = Event::Step {
                step: at,
                epoch: 1,
                loss: number,
                learning_rate: number / 3.0,
                grad_norm: number * 0.7,
                logit_scale: -number,
                items_per_second: number,
            };
            let seconds = (at % 2 == 0).then_some(number.abs());
            let json = serde_json::to_vec(&Stamped { seq: 7, time: 1_795_936_776.647_770_2, seconds, event })
                .unwrap();
            let read = EventRow::read(&json).unwrap();
            assert_eq!(
                format!("{read:?}"),
                format!("{:?}", serde_json::from_slice::<EventRow<'_>>(&json).unwrap())
            );
            // Numbers far away are left to others, as is what is cut off.
            let is_far = number != 0.0 && !(1e-100..1e100).contains(&number.abs());
            assert_eq!(EventRow::step(&json).is_none(), is_far, "{number}");
            assert!((0..json.len()).all(|end| EventRow::step(&json[..end]).is_none()));
        }
    }

    #[test]
    fn a_step_that_is_changed_anywhere_is_read_as_any_other_event_is_or_left() {
        let json = br#"{"seq":10,"time":1795937121.8454292,"seconds":0.25,"type":"step","step":3,"epoch":1,"loss":-0.5,"learning_rate":1e-5,"grad_norm":1.8414709848078965,"logit_scale":100.0,"items_per_second":12.5}"#;
        assert!(EventRow::step(json).is_some());
        for at in 0..json.len() {
            for byte in b"0159.-+eE,:\"{}[ \nx" {
                let changed = [&json[..at], &[*byte], &json[at + 1..]].concat();
                let longer = [&json[..at], &[*byte], &json[at..]].concat();
                let shorter = [&json[..at], &json[at + 1..]].concat();
                for json in [changed, longer, shorter] {
                    let Some(row) = EventRow::step(&json) else { continue };
                    let other: EventRow<'_> = serde_json::from_slice(&json).unwrap();
                    assert_eq!(
                        format!("{row:?}"),
                        format!("{other:?}"),
                        "{}",
                        String::from_utf8_lossy(&json)
                    );
                }
            }
        }
    }

    #[test]
    fn an_event_that_holds_more_than_its_kind_has_is_a_row_of_what_it_has() {
        for more in [
            r#""grad_norm":1.0,"grad_norm":2.0"#,
            r#""loss":"much""#,
            r#""epoch":-1"#,
            r#""best":0,"reason":[]"#,
        ] {
            let json = format!(r#"{{"seq":2,"time":3.5,"type":"interrupted","step":101,{more}}}"#);
            assert!(serde_json::from_str::<Stamped>(&json).is_ok(), "{more}");
            let row = EventRow::read(json.as_bytes()).unwrap();
            assert_eq!(
                (row.seq, row.time, &*row.kind, row.step),
                (2, 3.5, "interrupted", Some(101)),
                "{more}"
            );
            assert_eq!((row.loss, row.epoch, row.grad_norm, row.reason), (None, None, None, None), "{more}");
        }
        // What is no event of any kind is none.
        assert_eq!(EventRow::read(br#"{"seq":2,"time":3.5,"type":"step","step":-1}"#), None);
    }

    #[test]
    fn a_step_that_is_written_in_another_way_is_read_as_well() {
        let json = br#"{"seq":1,"time":2.5,"type":"step","step":3,"epoch":1,"loss":"NaN","learning_rate":1e-5,"grad_norm":0.5,"logit_scale":100.0,"items_per_second":12.5}"#;
        assert_eq!(EventRow::step(json), None);
        assert!(EventRow::read(json).unwrap().loss.unwrap().is_nan());
        let spaced = br#"{ "seq": 1, "time": 2.5, "type": "step", "loss": 0.5 }"#;
        assert_eq!(EventRow::step(spaced), None);
        assert_eq!(EventRow::read(spaced).unwrap().loss, Some(0.5));
    }
}
