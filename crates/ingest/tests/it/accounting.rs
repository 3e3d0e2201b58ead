//! Every row becomes part of an item, a reject, or is filtered. Every image becomes part of an item, a reject, or goes with its
//! rows.

use std::collections::{BTreeMap, BTreeSet};

use cliptune_experiment::{DataPlan, Fraction, ImageKey, Join};
use cliptune_ingest::IngestError;
use cliptune_store::JoinSide;
use proptest::prelude::*;

use crate::support::{Made, Sources, names};

const ONE_OF_EACH: &str = "
    SELECT * FROM (VALUES
        ('0.png', ['a', 'b'], 'A', 1),
        ('0.png', ['a', 'b'], 'A', 1),
        ('0.png', ['a', 'b'], 'b', 1),
        ('1.png', ['c', 'd', 'e'], 'C', 2),
        ('nowhere.png', ['a', 'b'], 'A', 3),
        (NULL, ['a', 'b'], 'A', 3),
        ('broken.png', ['a', 'b'], 'A', 4),
        ('1.png', ['a', 'b'], 'C', 2),
        ('1.png', ['a', 'b'], NULL, 2),
        ('1.png', NULL, 'A', 2),
        ('1.png', ['a'], 'A', 2),
        ('1.png', ['a', NULL], 'A', 2),
        ('1.png', ['a', 'a'], 'A', 2),
        ('1.png', ['a', ' '], 'A', 2),
        ('1.png', ['a', 'b'], 'A', NULL)
    ) AS t(file, choices, label, contest)";

fn one_of_each() -> Made {
    let sources = Sources::new();
    sources.images(3).file("images/broken.png", "not an image").table(ONE_OF_EACH);
    sources.ingest(&sources.choice()).unwrap()
}

#[test]
fn every_reject_says_why() {
    assert_eq!(
        one_of_each().reasons(),
        [
            "image 2.png: no row for this image",
            "image broken.png: unreadable image",
            "row 11: a choice is missing",
            "row 13: empty text",
            "row 10: fewer than two choices",
            "row 7: label not among the choices",
            "row 14: no group",
            "row 4: no image for this row",
            "row 5: no image for this row",
            "row 8: no label",
            "row 9: no list of choices",
            "row 6: this row's image is unreadable",
            "row 12: two choices are the same",
        ]
    );
}

#[test]
fn equal_rows_are_one_item_with_a_multiplicity() {
    let made = one_of_each();
    let ids: Vec<_> = made.items.iter().map(|item| (item.ids.join(" "), item.label)).collect();
    assert_eq!(
        BTreeSet::from_iter(ids),
        BTreeSet::from([("0 1".to_owned(), 0), ("2".to_owned(), 1), ("3".to_owned(), 2)])
    );
    let record = made.dataset.record();
    assert_eq!(record.items.multiplicities, BTreeMap::from([(1, 2), (2, 1)]));
    assert_eq!(record.items.texts_per_item, BTreeMap::from([(2, 2), (3, 1)]));
    assert_eq!((made.items[0].width, made.items[0].height), (Some(7), Some(5)));
}

#[test]
fn rows_stay_apart_when_they_are_to() {
    let sources = Sources::new();
    sources
        .images(1)
        .table("SELECT '0.png' AS file, 'a dog' AS text, 1 AS contest, 'same' AS id FROM range(3)");
    let mut plan = sources.pairs();
    plan.deduplicate = false;
    plan.columns.id = Some("id".to_owned());
    let made = sources.ingest(&plan).unwrap();
    let identities: BTreeSet<_> = made.items.iter().map(|item| &item.item_id).collect();
    assert_eq!((made.items.len(), identities.len()), (3, 3));
}

#[test]
fn each_row_becomes_the_same_however_many_there_are() {
    // Few rows are decided by one statement, more by two at once, and many by the threads of one; their texts are kept or read
    // again.
    for rows in [300, 40_000, 130_000] {
        let sources = Sources::new();
        sources.images(3).table(&format!(
            "SELECT n % 4 || '.png' AS file, 'text ' || n AS text, n % 4 AS contest, 'row ' || n AS id FROM range({rows}) AS r(n)"
        ));
        let mut plan = sources.pairs();
        plan.columns.id = Some("id".to_owned());
        let made = sources.ingest(&plan).unwrap();
        let join = &made.dataset.record().join;
        assert_eq!((join.rows, join.rows_matched), (rows, rows / 4 * 3));
        assert_eq!(made.rejects.len() as u64, rows / 4);
        let mut found = BTreeSet::new();
        for item in &made.items {
            let number: u64 = item.id.strip_prefix("row ").unwrap().parse().unwrap();
            assert_eq!(item.texts, [format!("text {number}")]);
            assert_eq!(item.image, format!("{}.png", number % 4));
            found.insert(number);
        }
        assert!(found.into_iter().eq((0..rows).filter(|number| number % 4 < 3)), "{rows}");
    }
}

#[test]
fn what_is_joined_while_images_are_read_is_what_is_joined_afterwards() {
    let sources = Sources::new();
    sources.images(3).image("a/0.png", 7).table(
        "SELECT n % 5 || '.png' AS file, ['one ' || n, 'two'] AS choices, 'B' AS label, n // 2 AS contest FROM range(20) AS r(n)",
    );
    let early = sources.choice();
    // An expression and a condition may ask for the size of a file, which is known later.
    let by_name = Some(Join { image: ImageKey::Sql("name".to_owned()), metadata: "file".to_owned() });
    let late = [
        DataPlan { join: by_name, ..early.clone() },
        DataPlan { filter: Some("size > 0".to_owned()), ..early.clone() },
    ];
    let made = sources.ingest(&early).unwrap();
    for plan in late {
        let again = sources.ingest(&plan).unwrap();
        assert_eq!((&again.items, &again.rejects), (&made.items, &made.rejects));
        assert_eq!(again.dataset.record().join.rows_matched, made.dataset.record().join.rows_matched);
    }
}

#[test]
fn images_with_the_same_key_are_nobodys() {
    let sources = Sources::new();
    sources
        .image("a/0.png", 1)
        .image("b/0.png", 2)
        .image("c/1.png", 3)
        .image("d/2.png", 4)
        .image("e/2.png", 5);
    sources.table("SELECT unnest(['0.png', '1.png']) AS file, 'a dog' AS text, 1 AS contest");
    assert_eq!(
        sources.ingest(&sources.pairs()).unwrap().reasons(),
        [
            "image a/0.png: another image has the same key",
            "image b/0.png: another image has the same key",
            "image d/2.png: no row for this image",
            "image e/2.png: no row for this image",
            "row 0: several images for this row",
        ]
    );
}

#[test]
fn an_image_whose_rows_are_all_refused_or_filtered_goes_with_its_rows() {
    let sources = Sources::new();
    sources.images(3).table(
        "SELECT * FROM (VALUES ('0.png', true, 'a dog', 1), ('1.png', true, ' ', 1), ('2.png', false, 'a cat', 1))
             AS t(file, keep, text, contest)",
    );
    let mut plan = sources.pairs();
    plan.filter = Some("keep".to_owned());
    let made = sources.ingest(&plan).unwrap();
    assert_eq!(made.reasons(), ["row 1: empty text"]);
    assert_eq!(made.rejects[0].join_key.as_deref(), Some("1.png"));
    let join = &made.dataset.record().join;
    assert_eq!((join.images, join.images_matched, join.rows_filtered), (3, 3, 1));
}

#[test]
fn a_truncated_image_is_a_reject() {
    let sources = Sources::new();
    sources.images(1).image("1.jpeg", 9);
    let path = sources.path("images/1.jpeg");
    let bytes = fs_err::read(&path).unwrap();
    fs_err::write(&path, &bytes[..bytes.len() - 20]).unwrap();
    sources.table("SELECT unnest(['0.png', '1.jpeg']) AS file, 'a dog' AS text, 1 AS contest");
    let made = sources.ingest(&sources.pairs()).unwrap();
    assert_eq!(made.reasons(), ["image 1.jpeg: unreadable image", "row 1: this row's image is unreadable"]);
    assert!(made.rejects.iter().all(|reject| !reject.detail.is_empty()));
}

/// One row of a small table: its key, whether `where` keeps it, its text.
type Row = (Option<u8>, bool, Option<&'static str>);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_join_is_what_a_loop_would_find(
        images in proptest::collection::btree_map(0_u8..6, any::<bool>(), 1..6),
        rows in proptest::collection::vec(
            (proptest::option::of(0_u8..8), any::<bool>(), proptest::option::of(prop_oneof!["a", "b", " "])), 1..12,
        ),
    ) {
        let rows: Vec<Row> = rows
            .iter()
            .map(|(key, keep, text)| (*key, *keep, text.as_deref().map(|text| match text { "a" => "a", "b" => "b", _ => " " })))
            .collect();
        check(&images, &rows)?;
    }
}

fn check(images: &BTreeMap<u8, bool>, rows: &[Row]) -> Result<(), TestCaseError> {
    let sources = Sources::new();
    for (number, whole) in images {
        match whole {
            true => sources.image(&format!("{number}.png"), *number),
            false => sources.file(&format!("images/{number}.png"), "broken"),
        };
    }
    let lines: Vec<String> = rows.iter().map(values).collect();
    sources.table(&format!("SELECT * FROM (VALUES {}) AS t(file, keep, text, contest)", lines.join(", ")));
    let mut plan = sources.pairs();
    plan.filter = Some("keep".to_owned());

    let (mut items, mut rejected, mut filtered) =
        (BTreeMap::<(u8, &str), Vec<String>>::new(), BTreeSet::new(), 0);
    for (number, (key, keep, text)) in rows.iter().enumerate() {
        let whole = key.and_then(|key| images.get(&key));
        match (whole, keep, text.filter(|text| !text.trim().is_empty())) {
            (Some(_), false, _) => filtered += 1,
            (Some(true), true, Some(text)) => {
                items.entry((key.unwrap(), text)).or_default().push(number.to_string());
            }
            _ => {
                rejected.insert(number.to_string());
            }
        }
    }
    let made = match sources.ingest(&plan) {
        Ok(made) => made,
        Err(error) => {
            prop_assert!(items.is_empty(), "{error}");
            return Ok(());
        }
    };
    let found: BTreeSet<Vec<String>> = made.items.iter().map(|item| item.ids.clone()).collect();
    prop_assert_eq!(found, items.into_values().collect());
    let of =
        |side| made.rejects.iter().filter(move |reject| reject.side == side).map(|reject| reject.key.clone());
    prop_assert_eq!(of(JoinSide::Row).collect::<BTreeSet<_>>(), rejected.clone());
    let named = |number: &u8| rows.iter().any(|(key, _, _)| *key == Some(*number));
    let lost = images.iter().filter(|(number, whole)| !**whole || !named(number));
    prop_assert_eq!(
        of(JoinSide::Image).collect::<BTreeSet<_>>(),
        lost.map(|(number, _)| format!("{number}.png")).collect()
    );

    let record = made.dataset.record();
    let used: usize = made.items.iter().map(|item| item.ids.len()).sum();
    prop_assert_eq!(record.join.rows_filtered, filtered);
    prop_assert_eq!(used + rejected.len() + filtered as usize, rows.len());
    prop_assert_eq!(record.rejects.values().sum::<u64>() as usize, made.rejects.len());
    Ok(())
}

fn values((key, keep, text): &Row) -> String {
    let key = key.map_or("NULL".to_owned(), |key| format!("'{key}.png'"));
    let text = text.map_or("NULL".to_owned(), |text| format!("'{text}'"));
    format!("({key}, {keep}, {text}, 1)")
}

#[test]
fn coverage_below_what_is_required_stops_the_run_with_the_numbers() {
    let sources = Sources::new();
    sources
        .images(4)
        .table("SELECT unnest(['0.png', '1.png', '2.png', 'x.png']) AS file, 'a dog' AS text, 1 AS contest");
    let share = |share| Some(Fraction::try_from(share).unwrap());
    let mut plan = sources.pairs();
    plan.require.matched_images = share(0.8);
    plan.require.rejected_rows = share(0.2);
    let unmet = "`data.require` is not met: 3 of 4 images have a row (75 %) instead of at least 80 %; \
                 1 of 4 rows is rejected (25 %) instead of at most 20 %";
    assert_eq!(sources.ingest(&plan).unwrap_err().to_string(), unmet);
    assert!(names(&sources.path("runs/datasets")).is_empty());
    // Exactly as much as is required is enough, and the same dataset is measured again by what is required later.
    plan.require.matched_images = share(0.75);
    plan.require.rejected_rows = share(0.25);
    plan.require.matched_rows = share(0.75);
    plan.require.rejected_images = share(0.25);
    let hash = sources.ingest(&plan).unwrap().dataset.record().hash.clone();
    plan.require.matched_images = share(0.8);
    assert!(matches!(sources.ingest(&plan), Err(IngestError::Coverage { .. })));
    plan.require = Default::default();
    assert_eq!(sources.ingest(&plan).unwrap().dataset.record().hash, hash);
}
