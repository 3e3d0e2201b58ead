//! Lays one tree over another: a child over the file it extends, a matrix point or an override over an experiment.

use crate::source::Span;
use crate::yaml::{Entry, Node, Value};

/// Lays `over` on `base`. Maps merge key by key; for anything else the upper value wins. A map that was only made to
/// reach a deeper key does not change the place of the map below.
pub(crate) fn merge(base: &mut Node, over: Node) {
    match (&mut base.value, over.value) {
        (Value::Map(lower), Value::Map(upper)) => {
            if !over.span.is_default() {
                base.span = over.span;
            }
            upper.into_iter().for_each(|entry| merge_entry(lower, entry));
        }
        (_, value) => *base = Node { span: over.span, value },
    }
}

fn merge_entry(entries: &mut Vec<Entry>, over: Entry) {
    match entries.iter_mut().find(|entry| entry.key == over.key) {
        Some(entry) => {
            entry.key_span = over.key_span;
            merge(&mut entry.value, over.value);
        }
        None => entries.push(over),
    }
}

/// Lays `value` on whatever is at a path, and creates the maps on the way. Every key on the way has the place of the
/// value, so that a problem with a created map is reported, and left out, as a problem with the value.
pub(crate) fn merge_at(base: &mut Node, path: &[&str], value: Node) {
    let key_span = value.span;
    let wrapped = path.iter().rev().fold(value, |value, name| Node {
        span: Span::DEFAULT,
        value: Value::Map(vec![Entry { key: (*name).to_owned(), key_span, value }]),
    });
    merge(base, wrapped);
}
