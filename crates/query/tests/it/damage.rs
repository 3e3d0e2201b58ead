//! What is damaged is named once and hides nothing else; the index never says what the files do not.

use std::time::Duration;

use cliptune_query::{Query, Runs};
use fs_err as fs;

use crate::drawn;
use crate::support::World;

/// Waits until files that were written before are old enough for the index to keep what was read of them.
fn settle(world: &World) {
    let file = world.path("clock");
    let before = cliptune_store::settled();
    loop {
        fs::write(&file, "").unwrap();
        let stamp = cliptune_store::Stamp::of_file(&file).unwrap();
        if !stamp.is_settled(before)
            && cliptune_store::settled() - before > Duration::from_millis(50).as_nanos() as i64
        {
            return;
        }
        std::thread::yield_now();
    }
}

fn statuses(world: &World) -> Vec<String> {
    world.answer("SELECT status FROM runs ORDER BY started")
}

#[test]
fn a_damaged_run_is_named_and_hides_no_other() {
    let world = World::new();
    settle(&world);
    assert_eq!(statuses(&world).len(), 4);
    let record = world.runs[0].folder().join("run.json");
    let bytes = fs::read(&record).unwrap();
    for damaged in [&b""[..], &bytes[..bytes.len() / 2], b"no record"] {
        fs::write(&record, damaged).unwrap();
        let runs = Runs::open(&world.store).unwrap();
        assert_eq!(runs.unreadable().len(), 1);
        assert_eq!(statuses(&world).len(), 3);
    }
    fs::write(&record, &bytes).unwrap();
    assert_eq!(statuses(&world).len(), 4);
}

#[test]
fn a_damaged_part_is_named_each_time_and_left_out() {
    let world = World::new();
    settle(&world);
    assert_eq!(Runs::open(&world.store).unwrap().damage().len(), 0);
    let folder = world.runs[0].scores_folder(cliptune_experiment::Split::Test);
    fs::write(folder.join("predictions.parquet"), "PAR1").unwrap();
    for _ in 0..2 {
        assert_eq!(Runs::open(&world.store).unwrap().damage().len(), 1);
        assert_eq!(world.answer("SELECT count(*) FROM metrics WHERE split = 'test'"), ["3"]);
        assert_eq!(world.answer("SELECT count(*) FROM predictions WHERE split = 'test'"), ["3"]);
    }
    fs::write(folder.join("scores.json"), "{}").unwrap();
    assert_eq!(Runs::open(&world.store).unwrap().damage().len(), 1);
}

#[test]
fn an_index_that_is_cut_short_or_changed_is_made_again() {
    let world = World::new();
    settle(&world);
    let all = "SELECT * FROM runs JOIN metrics USING (run) ORDER BY ALL";
    let events = "SELECT * FROM events ORDER BY ALL";
    let predictions = "SELECT * FROM predictions ORDER BY ALL";
    let (rows, logged, predicted) = (world.answer(all), world.answer(events), world.answer(predictions));
    let index = world.path("runs/cache/runs.bin");
    let bytes = fs::read(&index).unwrap();
    for at in (0..bytes.len()).step_by(97) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&index, &changed).unwrap();
        assert_eq!(world.answer(all), rows, "byte {at}");
        fs::write(&index, &bytes[..at]).unwrap();
        assert_eq!(world.answer(all), rows, "cut at {at}");
    }
    for kept in fs::read_dir(world.path("runs/cache/events"))
        .unwrap()
        .chain(fs::read_dir(world.path("runs/cache/predictions")).unwrap())
    {
        let path = kept.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for cut in [0, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&path, &bytes[..cut]).unwrap();
            assert_eq!(world.answer(events), logged, "cut at {cut}");
            assert_eq!(world.answer(predictions), predicted, "cut at {cut}");
        }
    }
    fs::remove_dir_all(world.path("runs/cache")).unwrap();
    fs::write(world.path("runs/cache"), "in the way").unwrap();
    for (sql, rows) in [(all, rows), (events, logged), (predictions, predicted)] {
        assert_eq!(world.answer(sql), rows, "an index that cannot be kept is not needed");
    }
}

#[test]
fn predictions_that_change_are_seen() {
    let world = World::new();
    settle(&world);
    let sql = "SELECT run, split, item_id, share FROM predictions ORDER BY ALL";
    let before = world.answer(sql);
    assert_eq!(before.len(), 12);
    assert_eq!(world.answer(sql), before);
    let again = drawn::run(&world.store, &world.runs[0].record().plan.clone(), 9, None);
    drawn::score(&again, cliptune_experiment::Split::Test, 0.5);
    assert_eq!(world.answer(sql).len(), 15);
    fs::remove_dir_all(again.folder()).unwrap();
    assert_eq!(world.answer(sql), before);
}

#[test]
fn the_index_forgets_what_no_run_has_any_more() {
    let world = World::new();
    settle(&world);
    let index = world.path("runs/cache/runs.bin");
    let settings = "SELECT * FROM settings ORDER BY ALL";
    let found = |world: &World| {
        world.answer(settings);
        fs::read(&index).unwrap().windows(4).filter(|bytes| bytes == b"lora").count()
    };
    let before = found(&world);
    fs::remove_dir_all(world.runs[1].folder()).unwrap();
    let (after, rows) = (found(&world), world.answer(settings));
    assert!(after < before, "{after} of {before}");
    fs::remove_file(&index).unwrap();
    assert_eq!((found(&world), world.answer(settings)), (after, rows));
}

#[test]
fn a_run_whose_labels_cannot_be_read_counts_as_pinned() {
    let world = World::new();
    settle(&world);
    let sql = "SELECT count(*) FROM runs WHERE NOT pinned";
    assert_eq!(world.answer(sql), ["4"]);
    fs::write(world.runs[0].labels_file(), "{").unwrap();
    assert_eq!(world.answer(sql), ["3"]);
    assert_eq!(Runs::open(&world.store).unwrap().damage().len(), 1);
}

#[test]
fn runs_that_change_appear_or_vanish_are_seen() {
    let world = World::new();
    settle(&world);
    let steps = "SELECT count(*) FROM events";
    assert_eq!(statuses(&world).len(), 4);
    assert_eq!(world.answer(steps), ["8"]);
    let plan = world.runs[0].record().plan.clone();
    let run = drawn::run(&world.store, &plan, 9, None);
    assert_eq!(statuses(&world).last().unwrap(), "running");
    drawn::log(&run, 5);
    assert_eq!(world.answer(steps), ["13"]);
    let folder = run.folder().to_path_buf();
    drop(run);
    assert_eq!(statuses(&world).last().unwrap(), "crashed");
    fs::remove_dir_all(folder).unwrap();
    assert_eq!(statuses(&world).len(), 4);
    assert_eq!(world.answer(steps), ["8"]);
    drawn::score(&world.runs[0], cliptune_experiment::Split::Test, 1.0);
    assert_eq!(
        world.answer("SELECT max(value) FROM metrics WHERE metric = 'accuracy' AND split = 'test'"),
        ["1.0"]
    );
}

/// Asks for all events, and returns their number and what is said about damage.
fn logged(world: &World) -> (String, Vec<String>) {
    let sql = "SELECT count(*) FROM events";
    let runs = Runs::open(&world.store).unwrap();
    let query = Query::open(&world.store, &runs, sql, None).unwrap();
    let said = query.damage().iter().map(cliptune_store::StoreError::in_one_line).collect();
    (world.answer(sql).remove(0), said)
}

#[test]
fn a_damaged_line_of_a_log_loses_that_line_alone_and_is_named_each_time() {
    let world = World::new();
    let log = world.runs[0].events_file();
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("\"loss\":0.5", "\"loss\":0.6", 1)).unwrap();
    for _ in 0..2 {
        let (rows, said) = logged(&world);
        assert_eq!(rows, "7");
        assert_eq!(said, [format!("{} is damaged: 1 line cannot be read", log.display())]);
    }
    // What somebody is writing, or was killed while writing, is no damage.
    fs::write(&log, format!("{text}{}", &text[..20])).unwrap();
    assert_eq!(logged(&world), ("8".to_owned(), Vec::new()));
}

#[test]
fn a_log_that_is_none_is_named_each_time_and_hides_no_other() {
    let world = World::new();
    let log = world.runs[0].events_file();
    fs::remove_file(&log).unwrap();
    assert_eq!(logged(&world), ("4".to_owned(), Vec::new()));
    fs::create_dir(&log).unwrap();
    for _ in 0..2 {
        let (rows, said) = logged(&world);
        assert_eq!((rows.as_str(), said.len()), ("4", 1));
        assert!(said[0].contains("events.jsonl is damaged: it is not a regular file"), "{said:?}");
    }
}
