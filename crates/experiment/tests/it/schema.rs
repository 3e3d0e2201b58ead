//! The committed JSON Schema.

use std::path::{Path, PathBuf};

use cliptune_experiment::schema;
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_committed_schema_is_current() {
    let path = repository().join("experiments/experiment.schema.json");
    let expected = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs_err::write(&path, &expected).unwrap();
    }
    let committed = fs_err::read_to_string(&path).unwrap();
    assert!(
        committed == expected,
        "the schema has changed: run this test with UPDATE_SCHEMA=1 and commit the file"
    );
}

#[test]
fn the_demo_and_the_valid_files_fit_the_schema() {
    let schema = schema();
    for folder in ["experiments/demo", "crates/experiment/tests/valid"] {
        for entry in fs_err::read_dir(repository().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let text = fs_err::read_to_string(&path).unwrap();
                let document: Value = serde_yaml::from_str(&text).unwrap();
                assert_eq!(misfits(&document, &schema, "$"), Vec::<String>::new(), "{}", path.display());
            }
        }
    }
}

/// The differences between a value and a schema: the keywords that ours uses.
fn misfits(value: &Value, schema: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(kind) = schema["type"].as_str().filter(|kind| !is(value, kind)) {
        found.push(format!("{path} is no {kind}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{path} is none of {}", schema["enum"]));
    }
    if let Some(branches) = schema["anyOf"].as_array()
        && !branches.iter().any(|branch| misfits(value, branch, path).is_empty())
    {
        found.push(format!("{path} fits no branch"));
    }
    let number = value.as_f64();
    if number.zip(schema["minimum"].as_f64()).is_some_and(|(value, min)| value < min)
        || number.zip(schema["maximum"].as_f64()).is_some_and(|(value, max)| value > max)
        || number.zip(schema["exclusiveMinimum"].as_f64()).is_some_and(|(value, min)| value <= min)
    {
        found.push(format!("{path} is out of bounds"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(misfits(item, &schema["items"], &format!("{path}[{index}]")));
    }
    found.extend(misfit_keys(value, schema, path));
    found
}

fn misfit_keys(value: &Value, schema: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(key) {
            Some(property) => found.extend(misfits(value, property, &format!("{path}.{key}"))),
            None if schema["additionalProperties"] == false => found.push(format!("{path} has no key {key}")),
            None => {}
        }
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    found.extend(required.filter(|key| value.get(key).is_none()).map(|key| format!("{path} lacks {key}")));
    found
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => value.is_null(),
    }
}

#[test]
fn a_stranger_does_not_fit() {
    let document =
        serde_json::json!({ "name": "x", "extends": "y.yaml", "train": { "epoch": 1, "tune": "half" } });
    let found = misfits(&document, &schema(), "$");
    assert_eq!(found, ["$.train fits no branch"]);
}
