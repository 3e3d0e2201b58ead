//! A dataset that nobody collected.

use cliptune_experiment::TaskKind;
use cliptune_store::{DatasetRecord, ItemCounts, JoinCounts, Leaks, Sources, SplitCounts, Spread};

use super::DATASET;
use super::plans::plan;

pub(super) fn dataset() -> DatasetRecord {
    let spread = |fewest, median, most| Spread { fewest, median, most };
    let counts = |items, groups| SplitCounts {
        items,
        groups,
        items_per_group: spread(2, 4, 7),
        images: groups,
        components: groups,
    };
    let splits = [("train", counts(2880, 720)), ("validation", counts(360, 90)), ("test", counts(360, 90))];
    DatasetRecord {
        format_version: 1,
        hash: DATASET.to_owned(),
        task: TaskKind::Choice,
        classes: Vec::new(),
        plan: plan("data", None).data,
        sources: Sources {
            images_folders: vec!["/data/images".to_owned()],
            images_hash: "ab12".repeat(16),
            table_hash: "cd34".repeat(16),
            bytes: Default::default(),
        },
        notes: Default::default(),
        join: JoinCounts {
            images: 912,
            rows: 3674,
            images_matched: 900,
            rows_matched: 3662,
            rows_filtered: 0,
            rows_per_image: spread(2, 4, 7),
            images_with_one_row: 0,
        },
        rejects: [("image_without_row", 12), ("row_without_image", 9), ("label_not_among_choices", 3)]
            .map(|(reason, n)| (reason.to_owned(), n))
            .into(),
        items: ItemCounts {
            items: 3600,
            rows: 3662,
            rows_folded: 62,
            groups: 900,
            items_per_group: spread(2, 4, 7),
            components: 871,
            multiplicities: [(1, 3541), (2, 56), (3, 3)].into(),
            texts_per_item: [(5, 3600)].into(),
        },
        splits: splits.map(|(name, counts)| (name.to_owned(), counts)).into(),
        leaks: Leaks::default(),
        history: Default::default(),
        tables: Default::default(),
    }
}
