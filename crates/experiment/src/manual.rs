//! Writes the table of options in `docs/training.md` from their definitions. The test keeps the page current.

use std::path::Path;

use crate::plan::TrainPlan;
use crate::shape::{Key, Presence, Shape, sentence};

const BEGIN: &str =
    "<!-- The table below is written from the definitions of the options: see CONTRIBUTING.md. -->\n";
const END: &str = "<!-- The end of the table. -->\n";

fn table() -> String {
    let mut rows =
        vec!["| key | what it means | value | when absent |".to_owned(), "|---|---|---|---|".to_owned()];
    add_rows(&mut rows, TrainPlan::keys(), "");
    format!("\n{}\n\n", rows.join("\n"))
}

fn add_rows(rows: &mut Vec<String>, keys: &[Key], section: &str) {
    for key in keys {
        let path = format!("{section}{}", key.name);
        let about = sentence(key.about);
        rows.push(format!("| `{path}` | {about} | {} | {} |", value(key), absent(key)));
        add_rows(rows, key.shape.keys(), &format!("{path}."));
    }
}

/// Describes the values that may be written, each word with its meaning.
fn value(key: &Key) -> String {
    let only =
        key.only_with.as_ref().map(|only| format!(". Only with {}", only.phrase())).unwrap_or_default();
    match &key.shape {
        Shape::Word(words) => {
            let each: Vec<String> =
                words().known.iter().map(|(word, about)| format!("`{word}`: {}", sentence(about))).collect();
            each.join(" ") + &only
        }
        Shape::Map(_) | Shape::Section(_) => format!("a map{only}"),
        shape => shape.expected() + &only,
    }
}

fn absent(key: &Key) -> String {
    match (key.presence, &key.only_with) {
        (Presence::Required, _) => "an error".to_owned(),
        (Presence::Default(yaml), _) => format!("`{yaml}`"),
        (Presence::Optional | Presence::Place, Some(only)) => only.default(),
        (Presence::Optional | Presence::Place, None) => "–".to_owned(),
    }
}

#[test]
fn the_table_in_the_documentation_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/training.md");
    let page = fs_err::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (committed, after) = rest.split_once(END).unwrap();
    let expected = table();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs_err::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    assert!(
        committed == expected,
        "the options have changed: run this test with UPDATE_SCHEMA=1 and commit docs/training.md"
    );
}
