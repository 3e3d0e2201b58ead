//! What happens to the splits when images and rows come and go.

use std::collections::BTreeMap;

use cliptune_experiment::{DataPlan, Split, SplitBy};
use cliptune_ingest::{IngestError, SplitError};
use cliptune_store::{Changes, Difference, Move};
use cliptune_terminal::Diagnostic;

use crate::support::{Made, Sources, component, shares};

/// A scene for every number: an image, a contest, a text of its own.
const SCENES: &str =
    "SELECT n || '.png' AS file, n AS contest, 'scene ' || n AS text FROM range({count}) AS r(n)";

fn scenes(count: u8) -> Sources {
    let sources = Sources::new();
    sources.images(count).table(&SCENES.replace("{count}", &count.to_string()));
    sources
}

fn plan(sources: &Sources, by: SplitBy) -> DataPlan {
    let mut plan = sources.pairs();
    plan.split.shares = shares(0.8, 0.1, 0.1);
    plan.split.by = by;
    plan
}

fn ways() -> [SplitBy; 3] {
    [component(&[]), SplitBy::Group, SplitBy::Row]
}

fn splits(made: &Made) -> BTreeMap<&str, Split> {
    made.items.iter().map(|item| (item.item_id.as_str(), item.split)).collect()
}

fn moved(before: &Made, after: &Made) -> usize {
    let (before, after) = (splits(before), splits(after));
    before.iter().filter(|(item, split)| after.get(*item).is_some_and(|now| now != *split)).count()
}

fn changes(made: &Made) -> Changes {
    made.dataset.record().history.changes.clone().unwrap()
}

fn sizes(made: &Made) -> [u64; 3] {
    Split::ALL.map(|split| made.dataset.record().splits[split.as_str()].items)
}

#[test]
fn one_image_more_or_less_moves_no_other() {
    for by in ways() {
        let sources = scenes(100);
        let plan = plan(&sources, by);
        let first = sources.ingest_again(&plan).unwrap();
        assert_eq!(sizes(&first), [80, 10, 10]);
        sources.image("100.png", 200).table(&SCENES.replace("{count}", "101"));
        let more = sources.ingest_again(&plan).unwrap();
        assert_eq!((moved(&first, &more), more.items.len()), (0, 101));
        fs_err::remove_file(sources.path("images/7.png")).unwrap();
        sources.table(&(SCENES.replace("{count}", "101") + " WHERE n != 7"));
        let less = sources.ingest_again(&plan).unwrap();
        assert_eq!((moved(&more, &less), less.items.len()), (0, 100));
        assert_eq!(
            changes(&less),
            Changes {
                since: more.dataset.record().hash.clone(),
                images: Difference { removed: 1, ..Difference::default() },
                rows: Difference { removed: 1, ..Difference::default() },
                moved: Vec::new(),
                merges: 0,
            }
        );
    }
}

#[test]
fn without_a_dataset_before_one_image_moves_only_what_lies_at_a_border() {
    let [few, many] = [120, 121].map(|count| {
        let sources = scenes(count);
        sources.ingest_again(&plan(&sources, component(&[]))).unwrap()
    });
    assert!(moved(&few, &many) <= 4, "{}", moved(&few, &many));
}

#[test]
fn the_same_sources_are_split_alike_in_every_store() {
    for by in ways() {
        let [here, there] = [(); 2].map(|()| {
            let sources = scenes(60);
            sources.ingest_again(&plan(&sources, by.clone())).unwrap()
        });
        assert_eq!(here.dataset.record().hash, there.dataset.record().hash);
        assert_eq!(splits(&here), splits(&there));
    }
}

#[test]
fn growing_by_many_keeps_both_the_splits_and_the_shares() {
    let sources = scenes(50);
    let plan = plan(&sources, component(&[]));
    let mut before = sources.ingest_again(&plan).unwrap();
    for count in [57, 80, 120, 200] {
        sources.images(count).table(&SCENES.replace("{count}", &count.to_string()));
        let after = sources.ingest_again(&plan).unwrap();
        assert_eq!(moved(&before, &after), 0);
        let wanted = [0.8, 0.1, 0.1].map(|share| share * f64::from(count));
        for (found, wanted) in sizes(&after).into_iter().zip(wanted) {
            assert!((found as f64 - wanted).abs() <= 1.0, "{found} of {count}");
        }
        before = after;
    }
}

#[test]
fn a_dataset_that_follows_another_says_so_and_going_back_finds_the_first() {
    let sources = scenes(30);
    let plan = plan(&sources, component(&[]));
    let first = sources.ingest_again(&plan).unwrap();
    sources.table(&SCENES.replace("{count}", "29"));
    let second = sources.ingest_again(&plan).unwrap();
    let (first, second) = (first.dataset.record(), second.dataset.record());
    assert_eq!((&first.history.continues, first.history.generation), (&None, 0));
    assert_eq!((&second.history.continues, second.history.generation), (&Some(first.hash.clone()), 1));
    sources.table(&SCENES.replace("{count}", "30"));
    assert_eq!(sources.ingest_again(&plan).unwrap().dataset.record().hash, first.hash);
    sources.table(&SCENES.replace("{count}", "29"));
    assert_eq!(sources.ingest_again(&plan).unwrap().dataset.record().hash, second.hash);
}

#[test]
fn another_seed_or_another_share_splits_anew() {
    let sources = scenes(40);
    let mut plan = plan(&sources, component(&[]));
    sources.ingest_again(&plan).unwrap();
    plan.split.seed.0 = 1;
    assert_eq!(sources.ingest_again(&plan).unwrap().dataset.record().history.continues, None);
    plan.split.shares = shares(0.6, 0.2, 0.2);
    assert_eq!(sources.ingest_again(&plan).unwrap().dataset.record().history.continues, None);
}

#[test]
fn a_merge_goes_where_most_of_it_was_and_is_counted() {
    let sources = scenes(60);
    let plan = plan(&sources, component(&[]));
    let before = sources.ingest_again(&plan).unwrap();
    let of =
        |split| before.items.iter().filter(move |item| item.split == split).map(|item| item.group.clone());
    let tied: Vec<String> = of(Split::Test).take(1).chain(of(Split::Train).take(2)).collect();
    // A new image with three rows, each with the text of another contest.
    sources.image("60.png", 200).table(&format!(
        "{} UNION ALL SELECT '60.png', 60, 'scene ' || n FROM (VALUES ({})) AS t(n)",
        SCENES.replace("{count}", "60"),
        tied.join("), (")
    ));
    let after = sources.ingest_again(&plan).unwrap();
    let changes = changes(&after);
    assert_eq!(changes.moved, [Move { from: Split::Test, to: Split::Train, items: 1 }]);
    assert_eq!((changes.merges, moved(&before, &after)), (1, 1));
    assert_eq!((changes.images.added, changes.rows.added), (1, 3));
    assert_eq!(after.dataset.record().leaks, Default::default());
}

#[test]
fn an_image_that_was_edited_or_renamed_stays_where_it_was() {
    let sources = scenes(40);
    let mut plan = plan(&sources, component(&[]));
    plan.columns.group = None;
    let before = sources.ingest_again(&plan).unwrap();
    let split_of =
        |made: &Made, image: &str| made.items.iter().find(|item| item.image == image).unwrap().split;
    let test = before.items.iter().filter(|item| item.split == Split::Test);
    let [edited, renamed, ..] = &test.map(|item| item.image.clone()).collect::<Vec<_>>()[..] else {
        panic!()
    };
    sources.image(edited, 200);
    fs_err::rename(sources.path("images").join(renamed), sources.path("images/new.png")).unwrap();
    sources.table(&SCENES.replace("{count}", "40").replace(
        "n || '.png'",
        &format!("CASE n || '.png' WHEN '{renamed}' THEN 'new.png' ELSE n || '.png' END"),
    ));
    let after = sources.ingest_again(&plan).unwrap();
    assert_eq!((split_of(&after, edited), split_of(&after, "new.png")), (Split::Test, Split::Test));
    assert_eq!(changes(&after).images, Difference { changed: 1, ..Difference::default() });
}

#[test]
fn changed_rows_are_told_from_new_ones_by_their_identifiers() {
    let sources = scenes(20);
    let mut plan = plan(&sources, component(&[]));
    plan.columns.id = Some("contest".to_owned());
    sources.ingest_again(&plan).unwrap();
    sources.table(
        "SELECT n || '.png' AS file, n AS contest, CASE WHEN n < 2 THEN 'other ' ELSE 'scene ' END || n AS text
         FROM range(19) AS r(n)",
    );
    let rows = changes(&sources.ingest_again(&plan).unwrap()).rows;
    assert_eq!(rows, Difference { added: 0, removed: 1, changed: 2 });
}

#[test]
fn another_task_of_the_experiment_holds_out_the_same_images() {
    let sources = scenes(40);
    let mut plan = plan(&sources, SplitBy::Group);
    let before = sources.ingest_again(&plan).unwrap();
    plan.filter = Some("contest < 30".to_owned());
    let after = sources.ingest_again(&plan).unwrap();
    assert_eq!((moved(&before, &after), after.items.len()), (0, 30));
}

#[test]
fn a_dataset_with_nothing_in_common_is_split_as_if_it_were_the_first() {
    let sources = scenes(40);
    let plan = plan(&sources, component(&[]));
    sources.ingest_again(&plan).unwrap();
    for number in 0..40 {
        sources.image(&format!("{number}.png"), 100 + number);
    }
    let after = sources.ingest_again(&plan).unwrap();
    let alone = scenes(40);
    for number in 0..40 {
        alone.image(&format!("{number}.png"), 100 + number);
    }
    assert_eq!(splits(&after), splits(&alone.ingest_again(&plan_of(&alone)).unwrap()));
}

fn plan_of(sources: &Sources) -> DataPlan {
    plan(sources, component(&[]))
}

/// Captions that many images share: `share` of 100 images in one component.
fn tied(count: u8) -> Sources {
    let sources = Sources::new();
    sources.images(100).table(&format!(
        "SELECT n || '.png' AS file, n AS contest,
                CASE WHEN n < {count} THEN 'a photo of a dog' ELSE 'scene ' || n END AS text FROM range(100) AS r(n)"
    ));
    sources
}

#[test]
fn a_giant_component_goes_to_train() {
    let sources = tied(60);
    let made = sources.ingest_again(&plan(&sources, component(&[]))).unwrap();
    assert_eq!(sizes(&made), [80, 10, 10]);
    let giant = made.items.iter().filter(|item| item.texts[0] == "a photo of a dog");
    assert!(giant.into_iter().all(|item| item.split == Split::Train));
}

#[test]
fn a_component_that_leaves_too_little_for_the_others_stops_and_is_named() {
    let sources = tied(94);
    let error = sources.ingest_again(&plan(&sources, component(&[]))).unwrap_err();
    assert!(matches!(error, IngestError::Split(SplitError::Uneven { .. })));
    assert_eq!(
        error.to_string(),
        "the validation split would get 3 % instead of 10 %: the largest connected component holds 94 of 100 rows (94 %) \
         in 94 groups, tied together by\nthe text \"a photo of a dog\" in 94 groups"
    );
    assert!(error.hint().unwrap().contains("data.split.across"));
    // By group nothing is tied.
    assert_eq!(sizes(&sources.ingest_again(&plan(&sources, SplitBy::Group)).unwrap()), [80, 10, 10]);
}

#[test]
fn a_group_or_an_image_that_ties_too_much_is_named() {
    let sources = Sources::new();
    sources
        .images(100)
        .table(&SCENES.replace("{count}", "100").replace("n AS contest", "greatest(n, 94) AS contest"));
    let error = sources.ingest_again(&plan(&sources, SplitBy::Group)).unwrap_err().to_string();
    assert!(
        error.ends_with("the largest group holds 95 of 100 rows (95 %)\nit is the group \"94\""),
        "{error}"
    );
    let sources = Sources::new();
    sources
        .images(100)
        .table(&SCENES.replace("{count}", "100").replace("n || '.png'", "greatest(n, 94) || '.png'"));
    let error = sources.ingest_again(&plan(&sources, component(&[]))).unwrap_err().to_string();
    assert!(error.ends_with("the image \"94.png\" in 95 groups"), "{error}");
}

#[test]
fn a_split_that_loses_all_its_items_gets_one_again() {
    let sources = scenes(20);
    let plan = plan(&sources, component(&[]));
    let before = sources.ingest_again(&plan).unwrap();
    let kept: Vec<&str> = before
        .items
        .iter()
        .filter(|item| item.split == Split::Train)
        .map(|item| item.group.as_str())
        .collect();
    sources.table(&format!("{} WHERE n IN ({})", SCENES.replace("{count}", "20"), kept.join(", ")));
    let after = sources.ingest_again(&plan).unwrap();
    assert!(sizes(&after).iter().all(|size| *size > 0), "{:?}", sizes(&after));
    assert_eq!(moved(&before, &after), 2);
}

#[test]
fn a_test_set_alone_is_a_dataset() {
    let sources = scenes(3);
    let mut plan = plan(&sources, component(&[]));
    plan.split.shares = shares(0.0, 0.0, 1.0);
    assert_eq!(sizes(&sources.ingest_again(&plan).unwrap()), [0, 0, 3]);
    sources.table(&SCENES.replace("{count}", "3").replace("AS text", "AS text, 'test' AS split"));
    plan.split.by = SplitBy::Column("split".to_owned());
    assert_eq!(sizes(&sources.ingest_again(&plan).unwrap()), [0, 0, 3]);
}

#[test]
fn a_damaged_table_of_items_is_made_again_as_it_was() {
    let sources = scenes(30);
    let plan = plan(&sources, component(&[]));
    sources.ingest_again(&plan).unwrap();
    sources.table(&SCENES.replace("{count}", "29"));
    let before = sources.ingest_again(&plan).unwrap();
    let path = before.dataset.items_file();
    for damage in [Some(&b"PAR1"[..]), None] {
        match damage {
            Some(bytes) => fs_err::write(&path, bytes).unwrap(),
            None => fs_err::remove_file(&path).unwrap(),
        }
        assert!(before.dataset.items(None).is_err());
        let after = sources.ingest_again(&plan).unwrap();
        assert_eq!(after.dataset.record(), before.dataset.record());
        assert_eq!(after.items, before.items);
    }
}
