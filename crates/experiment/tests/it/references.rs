//! `model.from: run:NAME`, names, and folders.

use std::path::PathBuf;

use cliptune_experiment::{ModelSource, load};

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

#[test]
fn seeds_are_paired_with_the_runs_of_the_same_seed() {
    let folder = Folder::with(&[
        ("pairs.yaml", &from("pairs", ".", "seeds: [0, 1, 2]\n")),
        ("tuned.yaml", &from("tuned", "'run:pairs@{seed}'", "seeds: [2, 0]\n")),
        (
            "again.yaml",
            &from(
                "again",
                "'run:tuned@{seed}'",
                "seeds: [0, 2]\nmatrix: { data.deduplicate: [true, false] }\n",
            ),
        ),
    ]);
    let experiments = folder.load("again.yaml", &[]).unwrap();
    assert_eq!(names(&experiments), ["pairs", "tuned", "again"]);
    let meant = |index: usize| -> Vec<(u32, String)> {
        let plans = experiments[index].plans.iter();
        plans
            .map(|plan| match &plan.model.from {
                ModelSource::Run(reference) => (plan.seed.0, reference.to_string()),
                other => panic!("{other}"),
            })
            .collect()
    };
    let pair = |seed: u32, name: &str| (seed, format!("run:{name}@{seed}"));
    assert_eq!(meant(1), [pair(2, "pairs"), pair(0, "pairs")]);
    assert_eq!(meant(2), [pair(0, "tuned"), pair(2, "tuned"), pair(0, "tuned"), pair(2, "tuned")]);
}

#[test]
fn a_resolved_plan_of_a_paired_seed_is_the_same_run() {
    let folder = Folder::with(&[
        ("pairs.yaml", &from("pairs", ".", "seeds: [0, 1]\n")),
        ("tuned.yaml", &from("tuned", "'run:pairs@{seed}'", "seeds: [0, 1]\n")),
    ]);
    let plan = folder.load("tuned.yaml", &[]).unwrap()[1].plans[1].clone();
    let yaml = plan.to_yaml().unwrap();
    assert!(yaml.contains("run:pairs@{seed}"), "{yaml}");
    let resolved = Folder::with(&[("pairs.yaml", &from("pairs", ".", "seeds: [1]\n")), ("plan.yaml", &yaml)]);
    assert_eq!(resolved.load("plan.yaml", &[]).unwrap()[1].plans, [plan]);
}

#[test]
fn a_seed_that_has_no_partner_is_told() {
    let folder = Folder::with(&[
        ("pairs.yaml", &from("pairs", ".", "seeds: [0, 1]\n")),
        ("tuned.yaml", &from("tuned", "'run:pairs@{seed}'", "seeds: [0, 1, 2]\n")),
        ("typo.yaml", &from("typo", "'run:pairs@{sed}'", "")),
    ]);
    insta::assert_snapshot!(folder.load(".", &[]).unwrap_err(), @r#"
    error: `pairs` has no seed 2
     --> tuned.yaml:3:16
      |
    3 | model: { from: 'run:pairs@{seed}' }
      |                ^^^^^^^^^^^^^^^^^^ expected `run:pairs@0` or `run:pairs@1`

    error: impossible value for `model.from`
     --> typo.yaml:3:16
      |
    3 | model: { from: 'run:pairs@{sed}' }
      |                ^^^^^^^^^^^^^^^^^ expected a seed after `@`, such as `run:base@0`, or `{seed}`
    "#);
    assert!(folder.load("tuned.yaml", &["seeds=[1]"]).is_ok());
}
