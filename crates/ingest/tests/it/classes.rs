//! Images with a class.

use cliptune_experiment::{DataPlan, Split, SplitBy, Task, Templates};

use crate::support::{Made, Sources, component, shares};

/// Returns a plan over `table.parquet` with the columns file, kind and contest.
fn classes(sources: &Sources) -> DataPlan {
    sources.plan(Task::Classes { class: "kind".to_owned(), templates: Templates::default() })
}

/// Returns the class of each item, by the name of its image.
fn named(made: &Made) -> Vec<(&str, &str)> {
    let classes = &made.dataset.record().classes;
    let mut named: Vec<_> =
        made.items.iter().map(|item| (item.image.as_str(), classes[item.label].as_str())).collect();
    named.sort_unstable();
    named
}

#[test]
fn the_classes_of_a_dataset_are_those_of_its_items_in_order() {
    let sources = Sources::new();
    sources.images(4).table(
        "SELECT * FROM (VALUES ('0.png', 'dog', 'a'), ('1.png', 'cat', 'b'), ('2.png', 'dog', 'c'), ('3.png', 'Cat', 'd'),
                               ('9.png', 'eel', 'e')) AS t(file, kind, contest)",
    );
    let made = sources.ingest(&classes(&sources)).unwrap();
    // No item is an eel: its row has no image.
    assert_eq!(made.dataset.record().classes, ["Cat", "cat", "dog"]);
    assert_eq!(named(&made), [("0.png", "dog"), ("1.png", "cat"), ("2.png", "dog"), ("3.png", "Cat")]);
    assert!(made.items.iter().all(|item| item.texts.is_empty()), "candidates are not repeated per item");
}

#[test]
fn a_row_without_a_class_is_rejected() {
    let sources = Sources::new();
    sources.images(4).table(
        "SELECT * FROM (VALUES ('0.png', 'dog', 'a'), ('1.png', NULL, 'b'), ('2.png', ' ', 'c'), ('3.png', 'cat', 'd'))
             AS t(file, kind, contest)",
    );
    let made = sources.ingest(&classes(&sources)).unwrap();
    assert_eq!(made.dataset.record().classes, ["cat", "dog"]);
    assert_eq!(made.dataset.record().rejects["no class"], 2);
}

#[test]
fn a_single_class_is_refused() {
    let sources = Sources::new();
    sources.images(2).table(
        "SELECT number || '.png' AS file, 'dog' AS kind, number AS contest FROM range(2) AS t(number)",
    );
    let error = sources.ingest(&classes(&sources)).unwrap_err();
    assert_eq!(error.to_string(), r#"all items are of one class, "dog": there is nothing to tell it from"#);
}

#[test]
fn numbers_are_names_of_classes() {
    let sources = Sources::new();
    sources.images(3).table(
        "SELECT * FROM (VALUES ('0.png', 10, 'a'), ('1.png', 2, 'b'), ('2.png', 10, 'c')) AS t(file, kind, contest)",
    );
    let made = sources.ingest(&classes(&sources)).unwrap();
    assert_eq!(named(&made), [("0.png", "10"), ("1.png", "2"), ("2.png", "10")]);
}

#[test]
fn a_new_class_extends_the_classes_and_changes_no_item() {
    let sources = Sources::new();
    let row = |image: u8, kind: &str| format!("('{image}.png', '{kind}', '{image}')");
    let table =
        |rows: &[String]| format!("SELECT * FROM (VALUES {}) AS t(file, kind, contest)", rows.join(", "));
    let rows: Vec<String> = (0..8).map(|image| row(image, ["cat", "dog"][usize::from(image % 2)])).collect();
    sources.images(9).table(&table(&rows));
    let before = sources.ingest_again(&classes(&sources)).unwrap();
    sources.table(&table(&[rows, vec![row(8, "bat")]].concat()));
    let after = sources.ingest_again(&classes(&sources)).unwrap();
    assert_eq!(after.dataset.record().classes, ["bat", "cat", "dog"]);
    let ids = |made: &Made| made.items.iter().map(|item| item.item_id.clone()).collect::<Vec<_>>();
    let (old, new) = (ids(&before), ids(&after));
    assert!(old.iter().all(|id| new.contains(id)) && new.len() == 9);
    assert_eq!(named(&after)[1], ("1.png", "dog"));
}

#[test]
fn a_class_ties_nothing_together_and_is_no_leak() {
    let sources = Sources::new();
    sources.images(60).table(
        "SELECT number || '.png' AS file, if(number % 2 = 0, 'cat', 'dog') AS kind, number // 2 AS contest
         FROM range(60) AS t(number)",
    );
    for by in [component(&[]), SplitBy::Group] {
        let mut plan = classes(&sources);
        plan.split.by = by;
        plan.split.shares = shares(0.5, 0.25, 0.25);
        let made = sources.ingest(&plan).unwrap();
        let record = made.dataset.record();
        assert_eq!((record.items.components, record.leaks.texts), (30, 0));
        for split in Split::ALL {
            let kinds: std::collections::BTreeSet<_> =
                made.items.iter().filter(|item| item.split == split).map(|item| item.label).collect();
            assert_eq!(kinds.len(), 2, "{split} has both classes");
        }
    }
}
