//! Which runs are listed, and in which order.

use cliptune_query::{Key, Listing, Order, QueryError, Runs};
use cliptune_store::Labels;
use cliptune_terminal::Diagnostic;

use crate::support::World;

/// Gives a listing of the runs, whose numbers are 0 to 2 for the experiment `first`, and 3 for `second`.
fn with_listing<T>(world: &World, look: impl FnOnce(&Listing<'_>) -> T) -> T {
    let runs = Runs::open(&world.store).unwrap();
    let present = [world.runs[1].id()].into_iter().collect();
    look(&Listing::new(&runs).with_present(Some(present)))
}

fn matching(world: &World, condition: &str) -> Result<Vec<usize>, QueryError> {
    with_listing(world, |listing| listing.matching(&listing.of(&[]), condition))
}

#[test]
fn a_filter_is_sql_over_the_documented_columns() {
    let world = World::new();
    let label =
        |run: usize, change: &dyn Fn(&mut Labels)| drop(world.store.label(&world.runs[run], change).unwrap());
    label(0, &|labels| {
        labels.tags.insert("paper".parse().unwrap());
        labels.note = Some("=1+1".parse().unwrap());
        labels.pinned = true;
    });
    label(1, &|labels| labels.name = Some("champion".parse().unwrap()));
    for (condition, expected) in [
        ("true", &[0, 1, 2, 3][..]),
        ("test.accuracy > 0.5 and train.tune = 'lora'", &[1]),
        ("test.accuracy > 0.3 -- all that were scored", &[0, 1]),
        ("validation.accuracy_low < 0.5 OR status = 'failed'", &[0, 2]),
        ("train.optimizer.lr = 1e-5 AND train.tune = 'full'", &[0, 2, 3]),
        ("train.optimizer.lr < 2e-5 AND experiment LIKE 'f%' AND seed = 0", &[0, 2]),
        ("started >= TIMESTAMP '2026-01-01 00:02:00'", &[1, 2]),
        ("present", &[1]),
        ("list_contains(tags, 'paper') AND pinned", &[0]),
        ("note LIKE '%=1%' OR name = 'champion'", &[0, 1]),
        ("validation.\"mrr\" IS NULL", &[0, 1, 2, 3]),
        ("train.batch_size / 2 = 16 AND NOT data.deduplicate IS NULL", &[0, 1, 2, 3]),
    ] {
        assert_eq!(matching(&world, condition).unwrap(), expected, "{condition}");
    }
}

#[test]
fn what_is_no_condition_is_refused() {
    let world = World::new();
    for (condition, hint) in [
        ("test.acuracy > 0.8", Some("did you mean test.accuracy?")),
        ("train.tun = 'lora'", Some("did you mean train.tune?")),
        ("true) FROM runs WHERE (true", None),
        ("seed IN (SELECT 1)", None),
        ("1; DROP TABLE x", None),
        ("", None),
        ("read_text('/etc/hostname') IS NULL", None),
    ] {
        let error = matching(&world, condition).expect_err(condition);
        if hint.is_some() {
            assert_eq!(error.hint().as_deref(), hint, "{error}");
        }
    }
}

#[test]
fn a_column_that_nothing_is_known_of_is_refused() {
    let world = World::new();
    let runs = Runs::open(&world.store).unwrap();
    let listing = Listing::new(&runs);
    let all = listing.of(&[]);
    for condition in ["present", "present is not true", "not \"Present\"", "seed = 0 or present is null"] {
        let error = listing.matching(&all, condition).expect_err(condition);
        assert!(matches!(error, QueryError::PresentUnknown), "{condition}: {error}");
        assert!(error.hint().unwrap().contains("experiment files"), "{condition}");
        assert!(Listing::asks_present(condition).unwrap(), "{condition}");
    }
    assert!(matches!(listing.key("present"), Err(QueryError::PresentUnknown)));
    assert!(!Listing::asks_present("seed = 0 and note = 'present'").unwrap());
    assert_eq!(with_listing(&world, |listing| listing.key("present").unwrap()), Key::Present);
}

#[test]
fn the_newest_run_is_last_and_settings_that_vary_are_known() {
    let world = World::new();
    with_listing(&world, |listing| {
        let all = listing.of(&[]);
        let names: Vec<String> = all
            .iter()
            .map(|run| listing.value(*run, &listing.key("run").unwrap()).spelled().into_owned())
            .collect();
        assert_eq!(names, world.runs.iter().map(cliptune_store::Run::id).collect::<Vec<_>>());
        let first = listing.of(&["first".to_owned()]);
        let varying: Vec<String> = listing.varying(&first).iter().map(Key::to_string).collect();
        assert!(varying.contains(&"train.tune".to_owned()), "{varying:?}");
        assert!(!varying.contains(&"train.epochs".to_owned()), "{varying:?}");
        assert_eq!(listing.varying(&[3]), []);
    });
}

#[test]
fn runs_are_ordered_within_their_experiments() {
    let world = World::new();
    with_listing(&world, |listing| {
        let sorted = |name: &str, is_descending: bool| {
            let mut runs = listing.of(&[]);
            listing.sort(&mut runs, &Order { key: listing.key(name).unwrap(), is_descending });
            runs
        };
        // What has no value comes first, or last.
        assert_eq!(sorted("validation.accuracy", false), [2, 0, 1, 3]);
        assert_eq!(sorted("validation.accuracy", true), [1, 0, 2, 3]);
        assert_eq!(sorted("status", false), [0, 1, 2, 3]);
    });
}

#[test]
fn the_best_run_has_the_highest_accuracy_and_the_lowest_loss() {
    let world = World::new();
    with_listing(&world, |listing| {
        let best = |name: &str| listing.best(&listing.of(&[]), &listing.key(name).unwrap());
        assert_eq!(best("validation.accuracy").unwrap(), [1]);
        assert_eq!(best("test.nll").unwrap(), [1]);
        assert!(matches!(best("train.tune"), Err(QueryError::NoMetric { .. })));
        assert!(matches!(best("validation.accuracy_low"), Err(QueryError::NoMetric { .. })));
    });
}
