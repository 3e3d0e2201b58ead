//! Folds of a cross-validation, and splits that are alike in a column.

use std::collections::{BTreeMap, BTreeSet};

use cliptune_experiment::{DataPlan, FoldSource, Folds, Split, SplitBy};
use cliptune_ingest::{IngestError, SplitError};
use cliptune_store::Leaks;

use crate::support::{Made, Sources, component, shares};

/// Contests of one to three rows, of which every fourth is of a rare kind. Their names are the folds of a publication.
fn contests(count: u32) -> String {
    format!(
        "SELECT n || '.png' AS file, n AS contest, 'scene ' || n || '/' || copy AS text, 'fold ' || (n % 4) AS fold,
                CASE WHEN n % 4 = 0 THEN 'rare' ELSE 'common' END AS kind
         FROM range({count}) AS r(n), range(3) AS c(copy) WHERE copy <= n % 3 ORDER BY n, copy"
    )
}

fn sources(count: u8) -> Sources {
    let sources = Sources::new();
    sources.images(count).table(&contests(count.into()));
    sources
}

fn folds(sources: &Sources, of: FoldSource, test: u32) -> DataPlan {
    let mut plan = sources.pairs();
    if let FoldSource::Column(column) = &of {
        plan.split.by = SplitBy::Column(column.clone());
    }
    plan.split.shares = of.shares();
    plan.split.folds = Some(Folds { of, test });
    plan
}

/// The groups of each split.
fn groups(made: &Made) -> BTreeMap<Split, BTreeSet<String>> {
    let mut groups: BTreeMap<Split, BTreeSet<String>> = BTreeMap::new();
    for item in &made.items {
        groups.entry(item.split).or_default().insert(item.group.clone());
    }
    groups
}

#[test]
fn every_group_is_tested_once_and_the_next_fold_validates() {
    let sources = sources(20);
    let made: Vec<_> =
        (0..5).map(|test| sources.ingest(&folds(&sources, FoldSource::Dealt(5), test)).unwrap()).collect();
    let tested: Vec<BTreeSet<String>> = made.iter().map(|made| groups(made)[&Split::Test].clone()).collect();
    assert_eq!(tested.iter().map(BTreeSet::len).sum::<usize>(), 20);
    assert_eq!(tested.iter().flatten().collect::<BTreeSet<_>>().len(), 20);
    for (test, made) in made.iter().enumerate() {
        assert_eq!(groups(made)[&Split::Validation], tested[(test + 1) % 5]);
        assert_eq!(made.dataset.record().leaks, Leaks::default());
        // 39 rows in five folds of whole groups.
        let items = made.dataset.record().splits["test"].items;
        assert!((7..=9).contains(&items), "{items}");
    }
}

#[test]
fn adding_data_moves_nothing_from_one_fold_to_another() {
    let sources = sources(12);
    let plan = folds(&sources, FoldSource::Dealt(4), 1);
    let before = groups(&sources.ingest_again(&plan).unwrap());
    sources.images(20).table(&contests(20));
    let after = groups(&sources.ingest_again(&plan).unwrap());
    for (split, groups) in &before {
        assert!(groups.is_subset(&after[split]), "{split}: {groups:?} {:?}", after[split]);
    }
    assert_eq!(after.values().map(BTreeSet::len).sum::<usize>(), 20);
}

#[test]
fn a_column_names_the_folds_of_a_publication() {
    let sources = sources(12);
    let plan = folds(&sources, FoldSource::Column("fold".to_owned()), 3);
    let groups = groups(&sources.ingest(&plan).unwrap());
    let named = |numbers: &[u32]| -> BTreeSet<String> { numbers.iter().map(ToString::to_string).collect() };
    assert_eq!(groups[&Split::Test], named(&[3, 7, 11]));
    // After the last fold comes the first.
    assert_eq!(groups[&Split::Validation], named(&[0, 4, 8]));
}

#[test]
fn a_row_without_a_fold_is_rejected_and_a_fold_that_is_not_there_is_an_error() {
    let sources = sources(12);
    let column = "CASE WHEN contest <> 5 THEN fold END".to_owned();
    let made = sources.ingest(&folds(&sources, FoldSource::Column(column.clone()), 0)).unwrap();
    assert_eq!(made.reasons(), ["row 10: no fold", "row 11: no fold", "row 9: no fold"].map(str::to_owned));
    let error = sources.ingest(&folds(&sources, FoldSource::Column("fold".to_owned()), 4)).unwrap_err();
    let all = matches!(&error, IngestError::Split(SplitError::Folds { names, .. }) if names.len() == 4);
    assert!(all, "{error}");
    let error = sources.ingest(&folds(&sources, FoldSource::Column("kind".to_owned()), 0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kind names \"common\", \"rare\", which are not the folds that `data.split` asks for"
    );
}

#[test]
fn splits_are_alike_in_the_column_that_they_are_stratified_by() {
    let sources = sources(40);
    for by in [SplitBy::Group, SplitBy::Row, component(&[])] {
        let mut plan = sources.pairs();
        plan.split.by = by.clone();
        plan.split.shares = shares(0.5, 0.25, 0.25);
        plan.split.stratify = Some("kind".to_owned());
        for seed in 0..5 {
            plan.split.seed.0 = seed;
            let made = sources.ingest(&plan).unwrap();
            let of = |split: Split, is_rare: bool| {
                let own = made.items.iter().filter(|item| item.split == split);
                own.filter(|item| item.group.parse::<u32>().unwrap().is_multiple_of(4) == is_rare).count()
                    as f64
            };
            for is_rare in [true, false] {
                let all: f64 = Split::ALL.map(|split| of(split, is_rare)).iter().sum();
                for (split, share) in Split::ALL.into_iter().zip([0.5, 0.25, 0.25]) {
                    // Groups are whole and have up to three rows.
                    assert!((of(split, is_rare) - share * all).abs() <= 2.0, "{by:?} {seed} {split}");
                }
            }
        }
    }
}
