//! One cache for Python and cliptune. The reference is what `huggingface_hub` 2.4.0 made of the same repository:
//! scripts/references/hub_cache.py.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::repository::{COMMIT, Repository};
use crate::server::FakeHub;
use crate::support::{Machine, id, quiet};

/// What is at a path of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Text(String),
    Link(String),
}

type Tree = BTreeMap<String, Entry>;

fn reference() -> Tree {
    let reference: Value = serde_json::from_str(include_str!("../references/python_cache.json")).unwrap();
    let entry = |entry: &Value| match &entry["link"] {
        Value::String(target) => Entry::Link(target.clone()),
        _ => Entry::Text(entry["text"].as_str().unwrap().to_owned()),
    };
    let files = reference["files"].as_object().unwrap();
    files.iter().map(|(path, value)| (path.clone(), entry(value))).collect()
}

fn tree(cache: &Path) -> Tree {
    let paths = crate::support::files(cache);
    let entry = |line: &String| match line.split_once(" -> ") {
        Some((path, target)) => (path.to_owned(), Entry::Link(target.to_owned())),
        None => (line.clone(), Entry::Text(fs_err::read_to_string(cache.join(line)).unwrap())),
    };
    paths.iter().map(entry).collect()
}

/// The comment in the tag says who made it; its signature has to be the same.
fn with_bare_tag(mut tree: Tree) -> Tree {
    if let Some(Entry::Text(text)) = tree.get_mut("CACHEDIR.TAG") {
        text.truncate(text.find('\n').unwrap());
    }
    tree
}

/// Puts Python's cache on a disk.
fn restore(tree: &Tree, cache: &Path) {
    for (path, entry) in tree {
        let path = cache.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        match entry {
            Entry::Text(text) => fs_err::write(path, text).unwrap(),
            Entry::Link(target) => fs_err::os::unix::fs::symlink(target, path).unwrap(),
        }
    }
}

#[test]
fn a_fetch_leaves_what_python_leaves() {
    let (server, machine) = (FakeHub::start([Repository::sharded()]), Machine::new());
    machine.fetch(&server, "org/sharded").unwrap();
    assert_eq!(with_bare_tag(tree(&machine.cache())), with_bare_tag(reference()));
}

#[test]
fn what_python_has_fetched_is_found_without_asking() {
    let (server, machine) = (FakeHub::start([]), Machine::new());
    restore(&reference(), &machine.cache());
    let hub = machine.hub(&server, &[("HF_HUB_OFFLINE", "1")]);
    for text in ["org/sharded", "org/sharded@main", &format!("org/sharded@{COMMIT}")] {
        let snapshot = hub.locate(&id(text)).unwrap().unwrap();
        assert_eq!(snapshot.commit.as_str(), COMMIT);
        assert_eq!(fs_err::read_to_string(snapshot.folder.join("vocab.json")).unwrap(), "{}\n");
        assert_eq!(hub.fetch(&id(text), &quiet).unwrap(), snapshot);
    }
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn what_python_has_fetched_is_not_fetched_again() {
    let (server, machine) = (FakeHub::start([Repository::sharded()]), Machine::new());
    restore(&reference(), &machine.cache());
    machine.fetch(&server, "org/sharded").unwrap();
    let asked = crate::support::lines(&server.asked());
    assert_eq!(asked, ["GET /api/models/org/sharded/revision/main"]);
}

#[test]
fn a_cache_of_pythons_that_lacks_anything_is_not_taken_for_whole() {
    let snapshot = format!("models--org--sharded/snapshots/{COMMIT}");
    let needed = [
        "models--org--sharded/refs/main".to_owned(),
        format!("{snapshot}/config.json"),
        format!("{snapshot}/merges.txt"),
        format!("{snapshot}/more/model-00002-of-00002.safetensors"),
        format!("models--org--sharded/.no_exist/{COMMIT}/preprocessor_config.json"),
        // A content that somebody has deleted, while its link is still there.
        "models--org--sharded/blobs/6f37cc2d4761123008199db97bfd9f704706b2e3b2c39a466851d323d96e5647"
            .to_owned(),
    ];
    for path in needed {
        let (server, machine) = (FakeHub::start([Repository::sharded()]), Machine::new());
        restore(&reference(), &machine.cache());
        fs_err::remove_file(machine.cache().join(&path)).unwrap();
        let found = machine.hub(&server, &[]).locate(&id("org/sharded")).unwrap();
        assert_eq!(found, None, "without {path}");
        machine.fetch(&server, "org/sharded").unwrap();
        assert_eq!(tree(&machine.cache()), reference(), "after a fetch without {path}");
    }
}
