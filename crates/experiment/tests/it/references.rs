//! `model.from: run:NAME`, names, and folders.

use std::path::PathBuf;

use cliptune_experiment::load;

use crate::support::{Folder, REST, names};

fn from(name: &str, from: &str, more: &str) -> String {
    format!("name: {name}{}{more}", REST.replace("from: .", &format!("from: {from}")))
}

#[test]
fn what_others_start_from_comes_first() {
    let folder = Folder::with(&[
        ("a.yaml", &from("a", "run:c@1", "")),
        ("b.yml", &from("b", ".", "")),
        ("c.yaml", &from("c", "run:d", "seeds: [0, 1]\n")),
        ("d.yaml", &from("d", ".", "")),
        ("notes.txt", "not: read"),
        ("below/e.yaml", "neither: this"),
    ]);
    assert_eq!(names(&folder.load(".", &[]).unwrap()), ["d", "c", "a", "b"]);
    assert_eq!(names(&folder.load("a.yaml", &[]).unwrap()), ["d", "c", "a"]);
    let twice = [folder.path().join("a.yaml"), folder.path().to_owned()];
    assert_eq!(names(&load(&twice, &[]).unwrap()), ["d", "c", "a", "b"]);
}

#[test]
fn a_broken_neighbour_concerns_nobody_else() {
    let folder = Folder::with(&[("a.yaml", &from("a", ".", "")), ("broken.yaml", "name: [")]);
    assert_eq!(names(&folder.load("a.yaml", &[]).unwrap()), ["a"]);
}

#[test]
fn references_that_lead_nowhere_are_told() {
    let folder = Folder::with(&[
        ("a.yaml", &from("a", "run:bsae", "")),
        ("b.yaml", &from("base", ".", "seeds: [0, 1]\n")),
        ("c.yaml", &from("c", "run:base", "")),
        ("d.yaml", &from("d", "run:base@7", "")),
        ("e.yaml", &from("e", "run:f", "")),
        ("f.yaml", &from("f", ".", "matrix: { data.deduplicate: [true, false] }\n")),
        ("g.yaml", &from("g", "run:h", "")),
        ("h.yaml", &from("h", "run:g", "")),
        ("i.yaml", &from("i", "run:i", "")),
        ("j.yaml", &from("a", ".", "")),
    ]);
    insta::assert_snapshot!(folder.load(".", &[]).unwrap_err());
}

#[test]
fn paths_that_are_not_there_are_told() {
    let folder = Folder::with(&[("empty/readme.md", "")]);
    insta::assert_snapshot!(folder.load("nowhere.yaml", &[]).unwrap_err());
    insta::assert_snapshot!(folder.load("empty", &[]).unwrap_err());
    assert!(load(&[], &[]).unwrap().is_empty());
}

#[test]
fn one_line_says_how_much_is_wrong() {
    let folder =
        Folder::with(&[("a.yaml", &from("a", ".", "sed: 1\n")), ("b.yaml", &from("b", ".", "sed: 1\n"))]);
    let load = |name: &str| load(&[folder.path().join(name)], &[]).unwrap_err();
    let one = load("a.yaml").to_string().replace(&folder.path().display().to_string(), "");
    insta::assert_snapshot!(one);
    let two = cliptune_experiment::load(&[PathBuf::from(folder.path())], &[]).unwrap_err();
    assert_eq!((two.count(), two.to_string().as_str()), (2, "2 problems in the experiments"));
}
