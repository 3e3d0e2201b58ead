//! The JSON Schema of the language, generated from the same tables that check it.

use std::ops::Bound;

use serde_json::{Map, Value, json};

use crate::defaults::default;
use crate::language::{OF_THE_FILE, OF_THE_SWEEP, TOP};
use crate::shape::{Key, Presence, Shape, sentence};

/// Returns the JSON Schema (draft 2020-12) of an experiment file, for editors: keys, types, bounds, words and defaults.
///
/// Keys that a file may leave out because it `extends` another are not required here, and rules that concern several
/// keys are left to `cliptune check`.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cliptune experiment",
        "description": "Declares what one experiment trains and scores, and on which data.",
    });
    extend(&mut schema, map(TOP));
    extend(
        &mut schema,
        json!({
            "required": ["name"],
            "anyOf": [{ "required": ["extends"] }, { "required": required(TOP) }],
        }),
    );
    schema
}

fn required(keys: &[Key]) -> Vec<&'static str> {
    keys.iter().filter(|key| key.presence == Presence::Required).map(|key| key.name).collect()
}

fn map(keys: &[Key]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn property(key: &Key) -> Value {
    let mut schema = json!({ "description": description(key) });
    let shape = of(&key.shape);
    extend(&mut schema, if key.presence == Presence::Required { shape } else { or_null(shape) });
    if let Presence::Default(yaml) = key.presence {
        extend(&mut schema, json!({ "default": default(yaml).to_json() }));
    }
    schema
}

/// Describes the meaning of a key, the settings that it belongs to, and each of its words.
fn description(key: &Key) -> String {
    let mut text = sentence(key.about);
    if let Presence::Usual(usual) = key.presence {
        text.push_str(&format!(" When absent: {}.", usual.phrase()));
    }
    if let Some(only) = &key.only_with {
        text.push_str(&format!(" Only with {}; {} when absent.", only.phrase(), only.default()));
    }
    if let Shape::Word(words) = &key.shape {
        for (word, about) in words().known {
            text.push_str(&format!("\n- `{word}`: {}", sentence(about)));
        }
    }
    text
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Text(_) => json!({ "type": "string", "minLength": 1 }),
        Shape::Word(words) => json!({ "enum": words().names().collect::<Vec<_>>() }),
        Shape::Whole { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Number { low, high } => number(*low, *high),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::List { of: each, min, max, unique } => list(each, *min, *max, *unique),
        Shape::Map(_) | Shape::Section(_) => map(shape.keys()),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(of).collect::<Vec<_>>() }),
        Shape::Matrix => matrix(),
    }
}

fn number(low: Bound<f64>, high: Bound<f64>) -> Value {
    let mut schema = json!({ "type": "number" });
    match low {
        Bound::Included(low) => extend(&mut schema, json!({ "minimum": low })),
        Bound::Excluded(low) => extend(&mut schema, json!({ "exclusiveMinimum": low })),
        Bound::Unbounded => {}
    }
    match high {
        Bound::Included(high) => extend(&mut schema, json!({ "maximum": high })),
        Bound::Excluded(high) => extend(&mut schema, json!({ "exclusiveMaximum": high })),
        Bound::Unbounded => {}
    }
    schema
}

fn list(each: &Shape, min: usize, max: usize, unique: bool) -> Value {
    let mut schema = json!({ "type": "array", "items": of(each), "minItems": min });
    if unique {
        extend(&mut schema, json!({ "uniqueItems": true }));
    }
    if max != usize::MAX {
        extend(&mut schema, json!({ "maxItems": max }));
    }
    schema
}

fn or_null(shape: Value) -> Value {
    json!({ "anyOf": [shape, { "type": "null" }] })
}

/// Returns the schema of a matrix: every dotted key below the sections of a run, with a list of its values.
fn matrix() -> Value {
    let mut properties = Map::new();
    let varied = |key: &&Key| !OF_THE_FILE.contains(&key.name) && !OF_THE_SWEEP.contains(&key.name);
    for key in TOP.iter().filter(varied) {
        add_axes(key, key.name.to_owned(), &mut properties);
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn add_axes(key: &Key, path: String, properties: &mut Map<String, Value>) {
    for inner in key.shape.keys() {
        add_axes(inner, format!("{path}.{}", inner.name), properties);
    }
    // Schemas for the items of a section would repeat the whole schema, so they are left to `check`.
    let items = match key.shape {
        Shape::Map(_) | Shape::Section(_) => json!({ "type": "object" }),
        _ => of(&key.shape),
    };
    let axis = json!({ "description": sentence(key.about), "type": "array", "minItems": 1, "items": items });
    properties.insert(path, or_null(axis));
}

fn extend(schema: &mut Value, more: Value) {
    if let (Value::Object(schema), Value::Object(more)) = (schema, more) {
        schema.extend(more);
    }
}
