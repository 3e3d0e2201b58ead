//! `extends`, `--set`, `matrix` and `seeds`.

use cliptune_experiment::{CheckpointInterval, Location, MemorySize, Split, UpdateRule};

use crate::support::{Folder, REST, TEXTS, TRAIN};

fn one(text: &str) -> Folder {
    Folder::with(&[("one.yaml", &format!("name: one{REST}{text}"))])
}

#[test]
fn a_child_changes_what_it_names() {
    let folder = Folder::with(&[
        ("parents/base.yaml", &format!("name: base\ndescription: mine{REST}{TRAIN}seeds: [0, 1]\n")),
        (
            "child.yaml",
            "name: child\nextends: parents/base.yaml\ntrain: { epochs: 7, optimizer: { eps: 1e-8 } }\n\
             score: { splits: [test] }\ndata: { where: x > 1 }\n",
        ),
    ]);
    let experiments = folder.load("child.yaml", &[]).unwrap();
    let plan = &experiments[0].plans[1];
    let train = plan.train.as_ref().unwrap();
    assert_eq!((train.epochs, train.batch_size.get()), (7, 8));
    assert_eq!(train.optimizer.lr.get(), 1e-3);
    assert_eq!(train.optimizer.rule, UpdateRule::AdamW { betas: (0.9, 0.98), eps: 1e-8 });
    assert_eq!(plan.score.splits, [Split::Test]);
    assert_eq!(plan.description, None, "a description belongs to its file");
    let images = fs_err::canonicalize(folder.path()).unwrap().join("parents/images");
    assert_eq!(plan.data.images, [Location::Local(images)], "a path belongs to the file that declares it");
}

#[test]
fn null_drops_what_is_inherited() {
    let folder = Folder::with(&[
        ("base.yaml", &format!("name: base{REST}{TRAIN}seeds: [4, 5]\n")),
        (
            "child.yaml",
            "name: child\nextends: base.yaml\ntrain:\nseeds: ~\ndata: { columns: { choices: null, label: null, text: t } }\n",
        ),
    ]);
    let plans = &folder.load("child.yaml", &[]).unwrap()[0].plans;
    assert_eq!(plans.len(), 1);
    assert_eq!(plans[0].seed.0, 0);
    assert!(plans[0].train.is_none());
}

#[test]
fn keys_that_exclude_each_other_may_be_inherited() {
    let folder = Folder::with(&[
        ("base.yaml", &format!("name: base{REST}{TRAIN}")),
        ("child.yaml", "name: child\nextends: base.yaml\ndata: { columns: { text: t } }\n"),
    ]);
    insta::assert_snapshot!(folder.load("child.yaml", &[]).unwrap_err());
}

#[test]
fn a_matrix_is_a_product_in_the_order_of_the_file() {
    let folder = one(&format!(
        "{TRAIN}matrix: {{ train.optimizer.lr: [1e-3, 1e-4], train.epochs: [1, 2] }}\nseeds: [7, 8]\n"
    ));
    let plans = &folder.load("one.yaml", &[]).unwrap()[0].plans;
    let points: Vec<String> = plans
        .iter()
        .map(|plan| format!("{} {}", serde_json::to_string(&plan.axes).unwrap(), plan.seed))
        .collect();
    insta::assert_snapshot!(points.join("\n"));
    assert_eq!(plans[7].train.as_ref().unwrap().optimizer.lr.get(), 1e-4);
}

#[test]
fn an_override_wins_over_the_file_and_the_matrix() {
    let folder =
        one(&format!("{TRAIN}matrix: {{ train.optimizer.lr: [1e-3, 1e-4], train.epochs: [1, 2] }}\n"));
    let plans =
        &folder.load("one.yaml", &["train.epochs=9", "seeds=3", "data.deduplicate=false"]).unwrap()[0].plans;
    assert_eq!(plans.len(), 2);
    for plan in plans {
        assert_eq!(plan.train.as_ref().unwrap().epochs, 9);
        assert_eq!(plan.axes.keys().collect::<Vec<_>>(), ["train.optimizer.lr"]);
        assert_eq!((plan.seed.0, plan.data.deduplicate), (3, false));
    }
    assert_eq!(folder.load("one.yaml", &["matrix="]).unwrap()[0].plans.len(), 1);
    assert_eq!(folder.load("one.yaml", &["matrix.train.epochs=[1, 2, 3]"]).unwrap()[0].plans.len(), 6);
}

#[test]
fn an_override_of_a_section_leaves_experiments_without_it_alone() {
    let folder = Folder::with(&[
        ("scored.yaml", &format!("name: scored{REST}")),
        ("trained.yaml", &format!("name: trained{REST}{TRAIN}")),
    ]);
    let experiments = folder.load(".", &["train.epochs=1"]).unwrap();
    assert!(experiments[0].plans[0].train.is_none());
    assert_eq!(experiments[1].plans[0].train.as_ref().unwrap().epochs, 1);
    insta::assert_snapshot!(folder.load("scored.yaml", &["train.epochs=1"]).unwrap_err());
}

#[test]
fn wrong_overrides_are_shown_as_they_were_typed() {
    let settings = [
        "train.epoch=1",
        "epochs=2",
        "train.batch_size = many",
        "data.split.seed=[",
        "name=other",
        "train.optimizer={lr: 1e-3, bets: [0, 0]}",
        "matrix.train.lr=[1]",
    ];
    insta::assert_snapshot!(one(TRAIN).load("one.yaml", &settings).unwrap_err());
}

#[test]
fn an_axis_in_a_missing_section_shows_its_value() {
    let folder = one("matrix: { train.epochs: [1, 2], train.foo: null }\n");
    insta::assert_snapshot!(folder.load("one.yaml", &[]).unwrap_err());
}

#[test]
fn texts_that_look_like_something_else_survive_a_resolved_plan() {
    let folder = one("");
    // Nothing but a line end is no condition.
    for &text in TEXTS.iter().filter(|text| !text.trim().is_empty()) {
        let setting = format!("data.where={}", serde_json::to_string(text).unwrap());
        let plan = folder.load("one.yaml", &[&setting]).unwrap().remove(0).plans.remove(0);
        assert_eq!(plan.data.filter.as_deref(), Some(text));
        let again = Folder::with(&[("plan.yaml", &plan.to_yaml().unwrap())]);
        assert_eq!(again.load("plan.yaml", &[]).unwrap()[0].plans, [plan], "{text:?}");
    }
}

#[test]
fn checkpoints_are_declared_in_steps_or_in_minutes() {
    let folder = one(TRAIN);
    let interval = |settings: &[&str]| {
        let plan = folder.load("one.yaml", settings).unwrap().remove(0).plans.remove(0);
        let again = Folder::with(&[("plan.yaml", &plan.to_yaml().unwrap())]);
        assert_eq!(again.load("plan.yaml", &[]).unwrap()[0].plans[0].checkpoint, plan.checkpoint);
        plan.checkpoint
    };
    assert_eq!(interval(&[]), CheckpointInterval::EveryMinutes(5.0));
    assert_eq!(interval(&["checkpoint.every_minutes=0.5"]), CheckpointInterval::EveryMinutes(0.5));
    let steps = 100.try_into().unwrap();
    assert_eq!(interval(&["checkpoint.every_steps=100"]), CheckpointInterval::EverySteps(steps));
    insta::assert_snapshot!(
        folder.load("one.yaml", &["checkpoint={every_steps: 100, every_minutes: 5}"]).unwrap_err()
    );
}

#[test]
fn resources_are_sizes_times_and_names() {
    let folder = one(TRAIN);
    let resources = |settings: &[&str]| {
        let plan = folder.load("one.yaml", settings).unwrap().remove(0).plans.remove(0);
        let again = Folder::with(&[("plan.yaml", &plan.to_yaml().unwrap())]);
        assert_eq!(again.load("plan.yaml", &[]).unwrap()[0].plans[0].resources, plan.resources);
        plan.resources
    };
    assert_eq!(resources(&[]), None);
    let all = "resources={cpus: 8, memory: 32GiB, gpus: 1, time: 1-12:00:00, partition: gpu}";
    let all = resources(&[all]).unwrap();
    assert_eq!((all.cpus.map(usize::from), all.gpus.map(usize::from)), (Some(8), Some(1)));
    assert_eq!(all.memory.map(MemorySize::bytes), Some(32 << 30));
    assert_eq!(all.time.as_ref().map(ToString::to_string), Some("36h".to_owned()));
    assert_eq!(all.partition.as_ref().map(ToString::to_string), Some("gpu".to_owned()));
    for (wrong, expected) in [
        ("resources.memory=32G", "expected a size such as `16GiB`"),
        ("resources.memory=32", "put it in quotes"),
        ("resources.time=soon", "expected a time such as"),
        ("resources.partition='a b'", "expected the name of a partition"),
        ("resources.cpus=0", "expected a whole number from 1"),
        ("resources.cpu=1", "did you mean `cpus`?"),
    ] {
        let error = folder.load("one.yaml", &[wrong]).unwrap_err();
        assert!(error.contains(expected), "{wrong}: {error}");
    }
}

#[test]
fn an_override_has_a_key_and_a_value() {
    let folder = one("");
    for setting in ["train.epochs", "=1", " =1"] {
        let error = folder.load("one.yaml", &[setting]).unwrap_err();
        assert!(
            error.contains(&format!("expected KEY=VALUE such as `train.epochs=1`, found `{setting}`")),
            "{error}"
        );
    }
    let plan = folder.load("one.yaml", &["data.where=a = b"]).unwrap().remove(0).plans.remove(0);
    assert_eq!(plan.data.filter.as_deref(), Some("a = b"));
}
