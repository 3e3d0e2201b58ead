//! Who goes where.

use std::collections::BTreeMap;

use cliptune_experiment::{Split, SplitBy};
use cliptune_ingest::{IngestError, SplitError};
use cliptune_store::Leaks;

use crate::support::{Made, Sources, component, shares};

/// Twelve contests in six components: each shares a caption with its neighbour.
const CONTESTS: &str = "
    SELECT n || '.png' AS file, n AS contest, 'a scene with ' || n AS text, 'train' AS split,
           ['own ' || n, 'shared ' || (n // 2)] AS choices, CASE n WHEN 3 THEN 'Z' ELSE 'A' END AS label
    FROM range(12) AS r(n)";

fn sources() -> Sources {
    let sources = Sources::new();
    sources.images(12).table(CONTESTS);
    sources
}

fn split_of_groups(made: &Made) -> BTreeMap<String, Split> {
    made.items.iter().map(|item| (item.group.clone(), item.split)).collect()
}

#[test]
fn a_component_split_leaks_nothing() {
    let sources = sources();
    let mut plan = sources.choice();
    plan.split.shares = shares(0.6, 0.2, 0.2);
    for seed in 0..10 {
        plan.split.seed.0 = seed;
        let made = sources.ingest(&plan).unwrap();
        let record = made.dataset.record();
        assert_eq!(record.leaks, Leaks::default());
        assert_eq!((record.items.groups, record.items.components), (11, 6));
        assert!(record.splits.values().all(|counts| counts.items > 0));
    }
}

#[test]
fn two_datasets_over_the_same_columns_hold_out_the_same_groups() {
    let sources = sources();
    let (mut choice, mut pairs) = (sources.choice(), sources.pairs());
    for plan in [&mut choice, &mut pairs] {
        plan.split.shares = shares(0.6, 0.2, 0.2);
        plan.split.by = component(&["choices"]);
    }
    for seed in 0..10 {
        choice.split.seed.0 = seed;
        pairs.split.seed.0 = seed;
        let (choice, mut pairs) = (sources.ingest(&choice).unwrap(), sources.ingest(&pairs).unwrap());
        assert_eq!(pairs.items.len(), 12);
        // The row with the impossible label is an item of one of them only, and still counts for both.
        pairs.items.retain(|item| item.group != "3");
        assert_eq!(split_of_groups(&choice), split_of_groups(&pairs));
    }
}

#[test]
fn groups_with_the_same_picture_stay_together() {
    let sources = Sources::new();
    for number in 0..8 {
        sources.image(&format!("{number}.png"), number / 2);
    }
    sources.table("SELECT n || '.png' AS file, n AS contest, 'scene ' || n AS text FROM range(8) AS r(n)");
    let mut plan = sources.pairs();
    plan.split.shares = shares(0.5, 0.25, 0.25);
    let record = sources.ingest(&plan).unwrap().dataset.record().clone();
    assert_eq!((record.items.components, record.leaks), (4, Leaks::default()));
}

#[test]
fn other_splits_say_what_crosses() {
    let sources = sources();
    let mut plan = sources.choice();
    plan.split.shares = shares(0.4, 0.3, 0.3);
    plan.split.by = SplitBy::Group;
    let leaks = (0..10).map(|seed| {
        plan.split.seed.0 = seed;
        sources.ingest(&plan).unwrap().dataset.record().leaks.clone()
    });
    let leaks: Vec<Leaks> = leaks.collect();
    assert!(leaks.iter().all(|leaks| leaks.groups == 0 && leaks.images == 0));
    assert!(leaks.iter().any(|leaks| leaks.texts > 0));
}

#[test]
fn a_split_by_row_may_cut_a_group() {
    let sources = Sources::new();
    sources
        .images(1)
        .table("SELECT '0.png' AS file, 1 AS contest, 'text ' || n AS text FROM range(10) AS r(n)");
    let mut plan = sources.pairs();
    plan.split.by = SplitBy::Row;
    plan.split.shares = shares(0.6, 0.2, 0.2);
    let record = sources.ingest(&plan).unwrap().dataset.record().clone();
    assert_eq!(record.leaks, Leaks { groups: 1, images: 1, ..Leaks::default() });
    assert_eq!(["train", "validation", "test"].map(|split| record.splits[split].items), [6, 2, 2]);
}

#[test]
fn a_column_decides_and_copies_across_its_splits_show() {
    let sources = Sources::new();
    sources.images(2).table(
        "SELECT * FROM (VALUES ('0.png', 1, 'a dog', 'train'), ('0.png', 1, 'a dog', 'test'),
                               ('1.png', 2, 'a cat', 'validation'), ('1.png', 2, 'a cow', 'holdout'))
         AS t(file, contest, text, split)",
    );
    let mut plan = sources.pairs();
    plan.split.by = SplitBy::Column("split".to_owned());
    let made = sources.ingest(&plan).unwrap();
    assert_eq!(made.reasons(), ["row 3: split is not train, validation or test"]);
    assert_eq!(made.rejects[0].detail, "holdout");
    assert_eq!(
        made.dataset.record().leaks,
        Leaks { items: 1, groups: 1, images: 1, texts: 1, ..Leaks::default() }
    );
    assert_eq!(Split::ALL.map(|split| made.dataset.items(Some(split)).unwrap().len()), [1, 1, 1]);
}

#[test]
fn an_item_that_is_there_twice_leaks_wherever_its_copies_go() {
    let sources = Sources::new();
    sources.images(4).table(
        "SELECT (n % 4) || '.png' AS file, n AS contest, 'text ' || (n % 2) AS text, 'other ' || (n // 4) AS caption
         FROM range(40) AS r(n)",
    );
    let mut plan = sources.pairs();
    plan.split.by = SplitBy::Row;
    plan.split.shares = shares(0.4, 0.3, 0.3);
    let of = |plan: &_| sources.ingest(plan).unwrap().dataset.record().leaks.clone();
    // The copies have groups of their own, so that none is folded into another.
    assert_eq!((of(&plan).items, of(&plan).images), (4, 4));
    plan.columns.task = cliptune_experiment::Task::Pairs { text: "caption".to_owned() };
    assert_eq!((of(&plan).items, of(&plan).images), (0, 4));
}

#[test]
fn without_a_group_column_the_image_is_the_group() {
    let sources = sources();
    let mut plan = sources.pairs();
    plan.columns.group = None;
    let made = sources.ingest(&plan).unwrap();
    assert!(made.items.iter().all(|item| item.group == item.image));
}

#[test]
fn too_few_components_are_refused_with_advice() {
    let sources = Sources::new();
    sources
        .images(2)
        .table("SELECT n || '.png' AS file, n AS contest, 'the same' AS text FROM range(2) AS r(n)");
    let mut plan = sources.pairs();
    plan.split.shares = shares(0.8, 0.1, 0.1);
    let error = sources.ingest(&plan).unwrap_err();
    let expected = matches!(error, IngestError::Split(SplitError::TooFewUnits { units: 1, splits: 3, .. }));
    assert!(expected, "{error}");
}
