//! The options of a training, one by one.

use super::train::KEYS;
use crate::plan::TrainPlan;
use crate::shape::Presence;
use crate::spelling::spelled;
use crate::write;

/// A key of `train` that an experiment may leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainOption {
    /// The key.
    pub key: &'static str,
    /// Its value as YAML has it.
    pub value: String,
    /// Whether leaving it out means the same.
    pub is_default: bool,
}

impl TrainPlan {
    /// Its options in the order of the language, but for the schedule. One without a value is not among them.
    pub fn options(&self) -> Vec<TrainOption> {
        let written = write::train(self);
        let option = |(key, presence, value): (&'static str, Presence, &serde_json::Value)| {
            let value = spelled(value);
            let is_default = match presence {
                Presence::Required => return None,
                Presence::Optional => false,
                Presence::Default(yaml) => value == yaml,
            };
            Some(TrainOption { key, value, is_default })
        };
        KEYS.iter()
            .filter(|key| key.name != "schedule")
            .filter_map(|key| option((key.name, key.presence, written.get(key.name)?)))
            .collect()
    }
}
