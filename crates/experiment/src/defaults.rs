//! Fills in the keys that an experiment leaves out.

use crate::problem::Problems;
use crate::shape::{Key, Presence};
use crate::source::{SourceId, Span};
use crate::yaml::{Entry, Node, Value, parse};

/// Adds the default of every key that is missing or null, section by section. An optional section that is missing stays
/// missing.
pub(crate) fn fill(node: &mut Node, keys: &'static [Key]) {
    let Value::Map(entries) = &mut node.value else { return };
    entries.retain(|entry| !entry.value.is_null());
    for key in keys {
        if let Presence::Default(yaml) = key.presence
            && !entries.iter().any(|entry| entry.key == key.name)
        {
            entries.push(Entry { key: key.name.to_owned(), key_span: Span::DEFAULT, value: default(yaml) });
        }
    }
    for entry in entries {
        if let Some(key) = keys.iter().find(|key| key.name == entry.key) {
            fill(&mut entry.value, key.shape.keys());
        }
    }
}

/// Parses YAML from the language itself. A test parses all of it, so that no default becomes null by mistake.
pub(crate) fn default(yaml: &str) -> Node {
    parse(yaml, SourceId::DEFAULTS, &mut Problems::default()).unwrap_or(Node::null(Span::DEFAULT))
}
