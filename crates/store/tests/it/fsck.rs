//! Everything in a store is looked at; what is damaged is named once, and only what can be made from what is whole is mended.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cliptune_experiment::Split;
use cliptune_store::{Checked, Event, EventLog, Finding, Kind, Severity, fsck, read_events, read_scores};
use cliptune_terminal::Diagnostic as _;
use fs_err as fs;

use crate::damage::{Made, damages, restore};
use crate::trash::tree;

fn check(made: &Made) -> Checked {
    fsck(&made.world.store(), &|done, total| assert!(done <= total)).unwrap()
}

/// Mends what was found, and returns how many of the findings could be mended.
fn mend(made: &Made) -> usize {
    let store = made.world.store();
    let lock = store.lock().unwrap();
    let mended = |finding: &&Finding| finding.mend(&store, &lock).unwrap();
    check(made).findings.iter().filter(mended).count()
}

/// All files of the store but the lock, which says nothing.
fn files(made: &Made) -> BTreeMap<String, Vec<u8>> {
    let mut files = tree(made.world.store().root());
    files.remove(".lock");
    files
}

#[test]
fn a_whole_store_has_no_findings_and_is_not_touched() {
    let made = Made::new();
    let before = files(&made);
    let checked = check(&made);
    assert!(checked.findings.is_empty(), "{:#?}", checked.findings);
    assert_eq!((checked.runs, checked.datasets, checked.trash, checked.reports), (1, 1, 0, 0));
    assert_eq!((mend(&made), files(&made)), (0, before));
}

/// The files of a store, with what their damage means and whether it can be mended.
fn subjects(made: &Made) -> Vec<(PathBuf, Severity, bool)> {
    use Severity::{Lost, Remade};
    let (run, dataset) = (&made.run, &made.dataset);
    let (model, onnx) = (run.model_folder(), run.onnx_folder());
    vec![
        (run.folder().join("run.json"), Lost, false),
        (run.weights_file(), Lost, false),
        (model.join("config.json"), Lost, false),
        (model.join("origin.json"), Lost, true),
        (onnx.join("text_model.onnx"), Remade, false),
        (onnx.join("parity.json"), Remade, false),
        (onnx.join("precisions.json"), Remade, false),
        (made.scores_file("scores.json"), Remade, true),
        (made.scores_file("predictions.parquet"), Remade, true),
        (made.scores_file("choices.json"), Remade, true),
        (dataset.join("dataset.json"), Remade, false),
        (dataset.join("items.parquet"), Remade, false),
        (dataset.join("rejects.parquet"), Remade, false),
    ]
}

#[test]
fn every_kind_of_damage_is_named_once_with_what_follows_and_looking_changes_nothing() {
    let made = Made::new();
    for (path, severity, is_mendable) in subjects(&made) {
        let bytes = fs::read(&path).unwrap();
        for damage in damages(&path) {
            damage();
            let before = names(&made);
            let findings = check(&made).findings;
            let [finding] = &findings[..] else { panic!("{}: {findings:#?}", path.display()) };
            assert!(finding.problem.contains(path.to_str().unwrap()), "{finding:#?}");
            assert!(finding.follows.is_some(), "{finding:#?}");
            assert_eq!((finding.severity, finding.can_be_mended), (severity, is_mendable), "{finding:#?}");
            assert_eq!(names(&made), before);
            restore(&path, &bytes);
        }
    }
    assert!(check(&made).findings.is_empty());
}

/// The names of all files: to read a FIFO would wait for ever.
fn names(made: &Made) -> Vec<PathBuf> {
    let entries = walk(made.world.store().root());
    entries.into_iter().filter(|path| !path.ends_with(".lock")).collect()
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(&entry.path()));
        }
        found.push(entry.path());
    }
    found.sort();
    found
}

#[test]
fn damaged_scores_go_to_the_trash_and_what_cannot_be_mended_stays_as_it_is() {
    let made = Made::new();
    fs::write(made.scores_file("predictions.parquet"), "PAR1").unwrap();
    fs::write(made.run.weights_file(), "other weights").unwrap();
    assert_eq!(mend(&made), 1);
    assert_eq!(read_scores(&made.run, Split::Test).unwrap(), None);
    assert!(read_scores(&made.run, Split::Validation).unwrap().is_some());
    assert_eq!(fs::read_to_string(made.run.weights_file()).unwrap(), "other weights");
    let trash = made.world.store().trash().unwrap();
    assert_eq!(trash.entries[0].kind(), Kind::Scores);
    assert_eq!(trash.entries[0].id(), format!("{}/scores/test", made.run.id()));
    // Whoever wants them back gets them as they were.
    let store = made.world.store();
    let lock = store.lock().unwrap();
    store.restore(&lock, &trash.entries[0]).unwrap();
    assert_eq!(fs::read_to_string(made.scores_file("predictions.parquet")).unwrap(), "PAR1");
}

#[test]
fn damaged_scores_are_set_aside_even_where_nothing_could_be_scored_again() {
    let made = Made::new();
    let store = made.world.store();
    let lock = store.lock().unwrap();
    let weights = store.trash_weights(&lock, &made.run).unwrap();
    fs::write(made.scores_file("predictions.parquet"), "PAR1").unwrap();
    let findings = check(&made).findings;
    let [finding] = &findings[..] else { panic!("{findings:#?}") };
    assert_eq!((finding.severity, finding.can_be_mended), (Severity::Lost, true));
    let follows = finding.follows.as_ref().unwrap();
    assert!(follows.contains(&format!("cliptune restore {}", made.run.id())), "{follows}");
    assert!(finding.mend(&store, &lock).unwrap());
    assert!(check(&made).findings.is_empty());
    assert_eq!(read_scores(&made.run, Split::Test).unwrap(), None);
    assert_eq!(store.trash().unwrap().entries.len(), 2, "they can be looked at");
    store.restore(&lock, &weights).unwrap();
    assert!(check(&made).findings.is_empty());
}

#[test]
fn weights_come_back_from_their_other_name_while_one_of_the_two_is_whole() {
    let made = Made::new();
    let (weights, link) = (made.run.weights_file(), made.run.model_folder().join("model.safetensors"));
    fs::remove_file(&link).unwrap();
    let findings = check(&made).findings;
    assert!(findings.iter().all(|finding| finding.can_be_mended), "{findings:#?}");
    assert_eq!((findings.len(), mend(&made)), (1, 1));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    // A store on a file system without links has a copy.
    fs::remove_file(&link).unwrap();
    fs::write(&link, "the weights").unwrap();
    for damage in damages(&weights) {
        damage();
        assert_eq!(mend(&made), 1);
        assert_eq!(fs::read_to_string(&weights).unwrap(), "the weights");
        assert!(check(&made).findings.is_empty());
    }
}

#[test]
fn an_entry_of_the_trash_gets_its_record_again_from_its_content() {
    let made = Made::new();
    let store = made.world.store();
    let before = tree(made.run.folder());
    let entry = store.trash_run(&store.lock().unwrap(), &made.run).unwrap();
    for damage in damages(&entry.folder().join("trashed.json")) {
        damage();
        assert_eq!(mend(&made), 1);
        assert!(check(&made).findings.is_empty());
    }
    let trash = store.trash().unwrap();
    assert_eq!((trash.entries[0].id(), trash.damaged.len()), (made.run.id(), 0));
    store.restore(&store.lock().unwrap(), &trash.entries[0]).unwrap();
    assert_eq!(tree(made.run.folder()), before);
}

#[test]
fn what_only_saves_time_or_was_never_finished_is_harmless_and_goes() {
    let made = Made::new();
    let cache = made.world.store().cache_folder();
    fs::create_dir_all(cache.join("pixels/ab/cd")).unwrap();
    for file in ["digests-00.bin", "pixels/ab/cd/cdef"] {
        fs::write(cache.join(file), "something else").unwrap();
    }
    let left = made.run.folder().join(".unfinished-left");
    fs::write(&left, "half").unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::options().write(true).open(&left).unwrap().file().set_modified(long_ago).unwrap();
    let log = made.run.events_file();
    fs::write(&log, "no event\n{\"crc32c\":\"").unwrap();
    let findings = check(&made).findings;
    assert!(findings.iter().all(|finding| finding.severity == Severity::Harmless), "{findings:#?}");
    assert_eq!((findings.len(), mend(&made)), (4, 4));
    assert!(check(&made).findings.is_empty());
}

#[test]
fn what_has_the_name_of_a_folder_of_the_store_and_is_none_is_named() {
    let made = Made::new();
    let root = made.world.store().root().to_path_buf();
    fs::write(root.join("notes.txt"), "somebody's own").unwrap();
    assert!(check(&made).findings.is_empty());
    for name in ["datasets", "reports", "cache", ".trash", ".looks", ".work", "other"] {
        let (place, aside) = (root.join(name), made.world.path("aside"));
        let is_there = place.exists();
        if is_there {
            fs::rename(&place, &aside).unwrap();
        }
        fs::write(&place, "no folder").unwrap();
        let findings = check(&made).findings;
        let found: Vec<_> = findings.iter().filter(|finding| finding.path == place).collect();
        let [finding] = &found[..] else { panic!("{name}: {findings:#?}") };
        assert_eq!((finding.kind, finding.severity), ("store", Severity::Lost), "{finding:#?}");
        assert!(finding.problem.contains("it is not a folder"), "{finding:#?}");
        assert!(finding.follows.as_ref().unwrap().starts_with("move it away"), "{finding:#?}");
        fs::remove_file(&place).unwrap();
        if is_there {
            fs::rename(&aside, &place).unwrap();
        }
    }
    assert!(check(&made).findings.is_empty());
}

#[test]
fn a_report_is_made_again_in_place_of_a_damaged_file_but_not_of_what_no_report_wrote() {
    let made = Made::new();
    let path = made.world.store().root().join("reports/demo/report.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "{}").unwrap();
    assert!(check(&made).findings.is_empty());
    let follows = || {
        let findings = check(&made).findings;
        let [finding] = &findings[..] else { panic!("{findings:#?}") };
        assert_eq!((finding.kind, finding.severity, &finding.path), ("report", Severity::Remade, &path));
        finding.follows.clone().unwrap()
    };
    fs::write(&path, "{").unwrap();
    assert_eq!(follows(), "`cliptune report` makes it again");
    fs::remove_file(&path).unwrap();
    assert_eq!(follows(), "`cliptune report` makes it again");
    fs::create_dir(&path).unwrap();
    assert!(follows().starts_with("move it away: no report wrote it"), "{}", follows());
}

#[test]
fn looks_that_cannot_be_counted_say_what_stands_in_their_place() {
    let made = Made::new();
    let looks = made.world.store().root().join(".looks");
    if looks.exists() {
        fs::remove_dir_all(&looks).unwrap();
    }
    fs::write(&looks, "no folder").unwrap();
    let error = made.world.store().test_looks(["da"]).unwrap_err();
    assert!(error.to_string().contains(".looks is damaged"), "{error}");
    assert!(error.hint().unwrap().starts_with("move it away"), "{error}");
}

#[test]
fn a_lock_that_cannot_be_locked_is_named_and_can_be_removed() {
    let made = Made::new();
    let lock = made.world.store().root().join(".lock");
    if lock.exists() {
        fs::remove_file(&lock).unwrap();
    }
    assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success());
    let findings = check(&made).findings;
    let [finding] = &findings[..] else { panic!("{findings:#?}") };
    assert_eq!((&finding.path, finding.severity), (&lock, Severity::Lost));
    let error = made.world.store().lock().unwrap_err();
    assert_eq!(error.hint(), finding.follows);
    assert!(error.hint().unwrap().starts_with("remove it"), "{error}");
}

#[test]
fn what_a_newer_program_has_written_is_named_and_left_alone() {
    let made = Made::new();
    // Rewrites a record as a newer version, with the checksum that belongs to it.
    for (path, _, _) in subjects(&made).into_iter().filter(|(path, _, _)| path.extension().unwrap() == "json")
    {
        if ["config.json", "choices.json"].iter().any(|name| path.ends_with(name)) {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, newer(&bytes)).unwrap();
        let findings = check(&made).findings;
        let [finding] = &findings[..] else { panic!("{}: {findings:#?}", path.display()) };
        assert_eq!((finding.severity, finding.can_be_mended), (Severity::Newer, false), "{finding:#?}");
        assert!(finding.problem.contains("a newer cliptune has written it"), "{finding:#?}");
        assert_eq!(mend(&made), 0);
        let standings = made.standings(&["tuned"]);
        // What the model has seen matters to whoever starts from it.
        let expected = match path.file_name().unwrap().to_str().unwrap() {
            "origin.json" => (0, 0),
            _ => (1, 0),
        };
        assert_eq!((standings.unknown.len(), standings.damage.len()), expected, "{}", path.display());
        fs::write(&path, &bytes).unwrap();
    }
}

pub(crate) fn newer(record: &[u8]) -> Vec<u8> {
    of_version(record, |version| version + 1)
}

/// Rewrites a record as another version, with the checksum that belongs to it.
fn of_version(record: &[u8], version: impl Fn(u64) -> u64) -> Vec<u8> {
    let text = std::str::from_utf8(record).unwrap();
    let (_, body) = text.split_once("\",\n").unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&format!("{{{body}")).unwrap();
    value["format_version"] = version(value["format_version"].as_u64().unwrap()).into();
    let body = serde_json::to_string_pretty(&value).unwrap();
    let body = format!("{}\n", body.strip_prefix("{\n").unwrap());
    format!("{{\n  \"checksum\": \"{}\",\n{body}", blake3::hash(body.as_bytes()).to_hex()).into_bytes()
}

#[test]
fn a_run_of_an_older_program_is_called_that_and_not_damaged() {
    let made = Made::new();
    let record = made.run.folder().join("run.json");
    let bytes = fs::read(&record).unwrap();
    fs::write(&record, of_version(&bytes, |version| version - 1)).unwrap();
    let findings = check(&made).findings;
    let [finding] = &findings[..] else { panic!("{findings:#?}") };
    assert_eq!((finding.severity, finding.can_be_mended), (Severity::Older, false), "{finding:#?}");
    assert!(finding.problem.contains("an older cliptune has written it"), "{finding:#?}");
    let follows = finding.follows.as_ref().unwrap();
    assert!(follows.starts_with("`cliptune run` trains the experiment again with this version"), "{follows}");
    let model = made.run.model_folder().display().to_string();
    assert!(follows.contains(&model), "what is usable until then: {follows}");
}

#[test]
fn a_dataset_of_an_older_program_says_which_command_makes_it_again() {
    let made = Made::new();
    let record = made.dataset.join("dataset.json");
    let bytes = fs::read(&record).unwrap();
    fs::write(&record, of_version(&bytes, |version| version - 1)).unwrap();
    let findings = check(&made).findings;
    let finding = findings.iter().find(|finding| finding.path == record).unwrap();
    assert_eq!(finding.severity, Severity::Remade, "{finding:#?}");
    let follows = finding.follows.as_deref();
    assert_eq!(follows, Some("`cliptune run` or `cliptune ingest` makes it again"), "{finding:#?}");
}

#[test]
fn lines_of_a_log_that_a_newer_program_has_written_are_named_and_stay() {
    let made = Made::new();
    let log = made.run.events_file();
    let event = r#"{"seq":99,"time":5.5,"type":"merged","step":3}"#;
    let line = format!("{{\"crc32c\":\"{:08x}\",\"event\":{event}}}\n", crc32c::crc32c(event.as_bytes()));
    let before = if log.exists() { fs::read(&log).unwrap() } else { Vec::new() };
    let bytes = [before, line.into_bytes()].concat();
    fs::write(&log, &bytes).unwrap();
    let findings = check(&made).findings;
    let [finding] = &findings[..] else { panic!("{findings:#?}") };
    assert_eq!((finding.severity, finding.can_be_mended), (Severity::Newer, false), "{finding:#?}");
    assert!(finding.problem.contains("1 line that a newer cliptune has written"), "{finding:#?}");
    assert_eq!((mend(&made), fs::read(&log).unwrap()), (0, bytes));
}

#[test]
fn damaged_lines_of_a_log_are_put_beside_it_and_the_others_stay_as_they_are() {
    let made = Made::new();
    let (log, aside) = (made.run.events_file(), made.run.folder().join("events.jsonl.damaged"));
    let mut events = EventLog::open_append(&log).unwrap();
    for step in 1..=3 {
        events.append(&Event::Interrupted { step }).unwrap();
    }
    for round in 1..=2 {
        let whole = read_events(&log).unwrap();
        let bytes = fs::read(&log).unwrap();
        let line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        fs::write(
            &log,
            [&bytes[..line], b"\xFFgarbage\n{\"crc32c\":\"00000000\"}\n", &bytes[line..]].concat(),
        )
        .unwrap();
        let findings = check(&made).findings;
        assert!(
            findings.len() == 1 && findings[0].problem.contains("2 lines cannot be read"),
            "{findings:#?}"
        );
        assert_eq!((mend(&made), check(&made).findings.len()), (1, 0));
        assert_eq!((read_events(&log).unwrap(), fs::read(&log).unwrap()), (whole, bytes));
        let kept = fs::read(&aside).unwrap();
        assert_eq!(kept.iter().filter(|byte| **byte == b'\n').count(), 2 * round, "nothing is thrown away");
    }
    // Somebody who writes the run would not see that its log is another file.
    let holding = made.run.hold().unwrap();
    fs::write(&log, "garbage\n").unwrap();
    let store = made.world.store();
    let findings = check(&made).findings;
    assert!(findings[0].mend(&store, &store.lock().unwrap()).is_err());
    assert_eq!(fs::read(&log).unwrap(), b"garbage\n");
    drop(holding);
}

#[test]
fn scores_that_were_made_again_since_they_were_looked_at_stay() {
    let made = Made::new();
    let record = made.scores_file("scores.json");
    let whole = fs::read(&record).unwrap();
    fs::write(&record, "garbage").unwrap();
    let findings = check(&made).findings;
    fs::write(&record, &whole).unwrap();
    let store = made.world.store();
    assert!(!findings[0].mend(&store, &store.lock().unwrap()).unwrap());
    assert_eq!(fs::read(&record).unwrap(), whole);
}
