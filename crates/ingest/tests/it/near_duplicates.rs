//! Images that look alike though their files differ.

use cliptune_experiment::{DataPlan, NearDuplicates, Split, SplitBy, Verify};
use cliptune_store::DatasetRecord;

use crate::support::{Made, Sources, shares};

/// Twelve pictures, each with a copy in half the size, all in groups of their own.
fn pictures() -> Sources {
    let sources = Sources::new();
    for number in 0..12 {
        sources
            .picture(&format!("{number}.png"), number)
            .small_picture(&format!("small-{number}.jpeg"), number);
    }
    sources.table(
        "SELECT n || '.png' AS file, n AS contest, 'scene ' || n AS text, 'train' AS split FROM range(12) AS r(n)
         UNION ALL SELECT 'small-' || n || '.jpeg', 100 + n, 'small ' || n, CASE WHEN n < 9 THEN 'train' ELSE 'test' END
         FROM range(12) AS r(n)",
    );
    sources
}

fn plan(sources: &Sources, near_duplicates: NearDuplicates) -> DataPlan {
    let mut plan = sources.pairs();
    plan.split.by = SplitBy::Component { across: Vec::new(), near_duplicates };
    plan.split.shares = shares(0.5, 0.25, 0.25);
    plan
}

fn split_of(made: &Made, group: u32) -> Split {
    made.items.iter().find(|item| item.group == group.to_string()).unwrap().split
}

#[test]
fn a_copy_of_another_size_and_format_in_another_split_shows() {
    let sources = pictures();
    let mut plan = sources.pairs();
    plan.split.by = SplitBy::Column("split".to_owned());
    let record: DatasetRecord = sources.ingest(&plan).unwrap().dataset.record().clone();
    assert_eq!(record.leaks.by_kind(), [(3, "near-duplicate pair")]);
    assert_eq!(
        record.leaks.near_duplicate_examples,
        [["10.png", "small-10.jpeg"], ["11.png", "small-11.jpeg"], ["9.png", "small-9.jpeg"]]
    );
}

#[test]
fn pictures_that_look_alike_stay_together_if_they_are_to() {
    let sources = pictures();
    let [mut together, mut apart] =
        [NearDuplicates::Together, NearDuplicates::Report].map(|near| plan(&sources, near));
    let mut crossing = 0;
    for seed in 0..5 {
        (together.split.seed.0, apart.split.seed.0) = (seed, seed);
        let made = sources.ingest(&together).unwrap();
        assert_eq!(
            (made.dataset.record().items.components, made.dataset.record().leaks.near_duplicates),
            (12, 0)
        );
        assert!((0..12).all(|number| split_of(&made, number) == split_of(&made, 100 + number)));
        let record = sources.ingest(&apart).unwrap().dataset.record().clone();
        assert_eq!(record.items.components, 24);
        crossing += record.leaks.near_duplicates;
    }
    assert!(crossing > 0);
}

#[test]
fn a_group_that_comes_later_ties_together_what_looks_like_its_images() {
    let sources = Sources::new();
    for number in 0..8 {
        sources.picture(&format!("{number}.png"), number);
    }
    const FIRST: &str =
        "SELECT n || '.png' AS file, n AS contest, 'scene ' || n AS text FROM range(8) AS r(n)";
    sources.table(FIRST);
    let plan = plan(&sources, NearDuplicates::Together);
    let before = sources.ingest_again(&plan).unwrap();
    let other = (1..8).find(|group| split_of(&before, *group) != split_of(&before, 0)).unwrap();
    sources.small_picture("a.png", 0).small_picture("b.png", other);
    sources.table(&format!(
        "{FIRST} UNION ALL SELECT unnest(['a.png', 'b.png']), 100, unnest(['one more', 'and another'])"
    ));
    let after = sources.ingest_again(&plan).unwrap();
    let changes = after.dataset.record().history.changes.clone().unwrap();
    assert_eq!((changes.merges, changes.images.added), (1, 2));
    assert_eq!(after.dataset.record().leaks, Default::default());
    assert_eq!([0, 100].map(|group| split_of(&after, group)), [split_of(&after, other); 2]);
    for group in (1..8).filter(|group| *group != other) {
        assert_eq!(split_of(&after, group), split_of(&before, group));
    }
}

#[test]
fn many_copies_of_one_picture_are_counted_pair_by_pair() {
    let sources = Sources::new();
    for number in 0..60 {
        // A PNG may say anything after its end, so that each file has a content of its own.
        sources.picture(&format!("{number}.png"), 1);
        let path = sources.path(&format!("images/{number}.png"));
        let mut bytes = fs_err::read(&path).unwrap();
        bytes.extend(format!("{number}").bytes());
        fs_err::write(path, bytes).unwrap();
    }
    sources.table(
        "SELECT n || '.png' AS file, n AS contest, 'scene ' || n AS text, CASE WHEN n < 40 THEN 'train' ELSE 'test' END AS split
         FROM range(60) AS r(n)",
    );
    let mut by_column = sources.pairs();
    by_column.split.by = SplitBy::Column("split".to_owned());
    let record = sources.ingest(&by_column).unwrap().dataset.record().clone();
    assert_eq!((record.leaks.images, record.leaks.near_duplicates), (0, 40 * 20));
}

#[test]
fn images_that_nobody_looks_at_have_no_near_duplicates() {
    let sources = pictures();
    let mut plan = sources.pairs();
    plan.split.by = SplitBy::Column("split".to_owned());
    for verify in [Verify::Header, Verify::None] {
        plan.verify = verify;
        let record = sources.ingest(&plan).unwrap().dataset.record().clone();
        assert!(!record.knows_near_duplicates());
        assert_eq!(record.leaks, Default::default());
    }
}

#[test]
fn pictures_that_tie_everything_together_are_named() {
    let sources = Sources::new();
    for number in 0..9_u32 {
        let name = format!("{number}.png");
        match number.is_multiple_of(2) {
            true => sources.picture(&name, number.max(6)),
            false => sources.small_picture(&name, number.max(6)),
        };
    }
    sources.table("SELECT n || '.png' AS file, n AS contest, 'scene ' || n AS text FROM range(9) AS r(n)");
    let mut plan = plan(&sources, NearDuplicates::Together);
    plan.split.shares = shares(0.4, 0.3, 0.3);
    let error = sources.ingest(&plan).unwrap_err().to_string();
    assert!(error.contains("tied together by\nthe picture \"0.png\" in 7 groups"), "{error}");
}
