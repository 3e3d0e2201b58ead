//! Writes `docs/experiment.md` from the definitions of the language. The test keeps the page current.

use std::path::Path;

use crate::language::TOP;
use crate::plan::Configuration;
use crate::shape::{Key, Presence, Shape, sentence};

/// The variable that makes the test write the page.
const UPDATE: &str = "CLIPTUNE_UPDATE_DOCS";

const BEGINNING: &str = "\
# Every key of an experiment

<!-- This page is written from the definitions of the language: see CONTRIBUTING.md. -->

An experiment is a YAML file with these keys. `cliptune check` says for each experiment which settings are declared and which
are defaults; [the schema](../experiments/experiment.schema.json) gives editors the same. An unknown key is an error, and null means
the same as no key. [data.md](data.md), [splits.md](splits.md), [sources.md](sources.md), [training.md](training.md) and
[models.md](models.md) say how the keys work together.

The least that an experiment needs are `name`, `data.images`, `data.columns` and `model.from`; with a table of its own `data.metadata`;
to train, `train.objective`; and from random weights, `model.architecture`.
";

/// Returns the whole page: a table for each section.
fn page() -> String {
    let mut page = BEGINNING.to_owned();
    let (sections, plain): (Vec<&Key>, Vec<&Key>) = TOP.iter().partition(|key| !key.shape.keys().is_empty());
    page.push_str(&section("At the top", "", plain.into_iter()));
    for key in sections {
        page.push_str(&section(&format!("`{}`", key.name), key.about, key.shape.keys().iter()));
        if key.name == "model" {
            page.push_str(&configurations());
        }
    }
    page
}

fn section<'a>(title: &str, about: &str, keys: impl Iterator<Item = &'a Key>) -> String {
    let mut rows =
        vec!["| key | what it means | value | when absent |".to_owned(), "|---|---|---|---|".to_owned()];
    keys.for_each(|key| add_rows(&mut rows, key, ""));
    let about = if about.is_empty() { String::new() } else { format!("{}\n\n", sentence(about)) };
    format!("\n## {title}\n\n{about}{}\n", rows.join("\n"))
}

fn add_rows(rows: &mut Vec<String>, key: &Key, section: &str) {
    let path = format!("{section}{}", key.name);
    rows.push(format!(
        "| `{path}` | {} | {} | {} |",
        cell(&sentence(key.about)),
        cell(&value(key)),
        absent(key)
    ));
    key.shape.keys().iter().for_each(|inner| add_rows(rows, inner, &format!("{path}.")));
}

/// Returns a text as the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Describes the values that may be written, each word with its meaning.
fn value(key: &Key) -> String {
    let only =
        key.only_with.as_ref().map(|only| format!(". Only with {}", only.phrase())).unwrap_or_default();
    let shape = shape(&key.shape);
    match shape.ends_with('.') {
        true if !only.is_empty() => format!("{shape} {}.", only.trim_start_matches(". ")),
        _ => shape + &only,
    }
}

fn shape(shape: &Shape) -> String {
    match shape {
        Shape::Word(words) => {
            let each = words().known.iter().map(|(word, about)| format!("`{word}`: {}", sentence(about)));
            each.collect::<Vec<_>>().join(" ")
        }
        Shape::Map(_) | Shape::Section(_) => "a map".to_owned(),
        Shape::Either(shapes) => {
            let or = |said: String, next: String| match said.ends_with('.') {
                true => format!("{said} Or {next}"),
                false => format!("{said}, or {next}"),
            };
            shapes.iter().map(self::shape).reduce(or).unwrap_or_default()
        }
        shape => shape.expected(),
    }
}

fn absent(key: &Key) -> String {
    match (key.presence, &key.only_with) {
        (Presence::Required, _) => "an error".to_owned(),
        (Presence::Default(yaml), _) => format!("`{yaml}`"),
        (Presence::Usual(usual), _) => usual.phrase(),
        (Presence::Optional | Presence::Place, Some(only)) => only.default(),
        (Presence::Optional | Presence::Place, None) => "–".to_owned(),
    }
}

/// Returns a table of the architectures that have a name.
fn configurations() -> String {
    let mut rows = vec![
        "| `architecture` | image, patch | vision | text | context | vocabulary | embedding |".to_owned(),
        "|---|---|---|---|---|---|---|".to_owned(),
    ];
    for (name, sizes) in Configuration::named() {
        rows.push(format!(
            "| `{name}` | {}, {} | {} × {}, {} heads | {} × {}, {} heads | {} | {} | {} |",
            sizes.image_size,
            sizes.patch_size,
            sizes.vision.layers,
            sizes.vision.width,
            sizes.vision.heads,
            sizes.text.layers,
            sizes.text.width,
            sizes.text.heads,
            sizes.context_length,
            sizes.vocab_size,
            sizes.projection_dim,
        ));
    }
    format!("\nThe architectures that have a name stand for these sizes:\n\n{}\n", rows.join("\n"))
}

#[test]
fn the_page_of_all_keys_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/experiment.md");
    if std::env::var_os(UPDATE).is_some() {
        fs_err::write(&path, page()).unwrap();
    }
    let committed = fs_err::read_to_string(&path).unwrap();
    assert!(
        committed == page(),
        "the language has changed: run this test with {UPDATE}=1 and commit docs/experiment.md"
    );
}
