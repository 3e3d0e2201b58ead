//! Fills in the keys that an experiment leaves out.

use crate::origins::Origins;
use crate::problem::Problems;
use crate::shape::{Key, Presence};
use crate::source::{SourceId, Span};
use crate::usual::Training;
use crate::yaml::{Entry, Node, Value, parse};

/// Adds the default of every key that is missing or null, section by section. An optional section that is missing stays
/// missing. What is usual for a training is decided by the whole experiment, so a section by itself has none of it.
pub(crate) fn fill(node: &mut Node, keys: &'static [Key], origins: &Origins) {
    let training = Training::of(node, origins);
    fill_section(node, keys, training);
}

fn fill_section(node: &mut Node, keys: &'static [Key], training: Training) {
    let Value::Map(entries) = &mut node.value else { return };
    entries.retain(|entry| !entry.value.is_null());
    for key in keys {
        if let Some(yaml) = absent(key, training)
            && !entries.iter().any(|entry| entry.key == key.name)
        {
            entries.push(Entry { key: key.name.to_owned(), key_span: Span::DEFAULT, value: default(yaml) });
        }
    }
    for entry in entries {
        if let Some(key) = keys.iter().find(|key| key.name == entry.key) {
            fill_section(&mut entry.value, key.shape.keys(), training);
        }
    }
}

/// Returns the YAML that a key means when it is absent, if it means any.
fn absent(key: &Key, training: Training) -> Option<&'static str> {
    match key.presence {
        Presence::Default(yaml) => Some(yaml),
        Presence::Usual(usual) => usual.yaml(training),
        Presence::Required | Presence::Optional | Presence::Place => None,
    }
}

/// Parses YAML from the language itself. A test parses all of it, so that no default becomes null by mistake.
pub(crate) fn default(yaml: &str) -> Node {
    parse(yaml, SourceId::DEFAULTS, &mut Problems::default()).unwrap_or(Node::null(Span::DEFAULT))
}
