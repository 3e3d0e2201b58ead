//! What is fetched, where it lies, and what is not fetched again.

use crate::http::Fault;
use crate::repository::{COMMIT, Repository, weights};
use crate::server::FakeHub;
use crate::support::{Diary, Machine, assert_says, downloads, id, lines, quiet};

#[test]
fn only_the_files_of_the_model_are_downloaded() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let snapshot = machine.fetch(&server, "org/clip").unwrap();
    assert_eq!(snapshot.folder, machine.cache().join("models--org--clip/snapshots").join(COMMIT));
    let expected = [
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    let fetched = crate::support::files(&snapshot.folder);
    let names: Vec<&str> = fetched.iter().map(|line| line.split(" -> ").next().unwrap()).collect();
    assert_eq!(names, expected);
    for name in expected {
        assert_eq!(fs_err::read(snapshot.folder.join(name)).unwrap(), Repository::clip().file(name).content);
    }
    let others =
        server.asked().into_iter().filter(|asked| !expected.iter().any(|name| asked.target.contains(name)));
    let others: Vec<_> = others.filter(|asked| !asked.is_store).collect();
    assert_eq!(lines(&others), ["GET /api/models/org/clip/revision/main"]);
}

#[test]
fn progress_starts_at_nothing_and_ends_at_everything() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let diary = Diary::default();
    machine
        .hub(&server, &[])
        .fetch(&id("org/clip"), &|event: cliptune_hub::Event<'_>| diary.note(event))
        .unwrap();
    let about = diary.about("model.safetensors");
    assert_eq!(about.first().unwrap(), "0/300000");
    assert_eq!(about[about.len() - 2..], ["300000/300000", "downloaded"]);
    assert_eq!(diary.about(&format!("{COMMIT}:")), ["5 files"]);
    assert_eq!(diary.notices().len(), 0);
}

#[test]
fn a_second_fetch_asks_one_question_and_a_pinned_one_none() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let first = machine.fetch(&server, "org/clip").unwrap();
    server.asked();
    assert_eq!(machine.fetch(&server, "org/clip").unwrap(), first);
    assert_eq!(lines(&server.asked()), ["GET /api/models/org/clip/revision/main"]);
    assert_eq!(machine.fetch(&server, &format!("org/clip@{COMMIT}")).unwrap(), first);
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn a_moved_branch_brings_a_new_snapshot_and_only_new_contents() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let old = machine.fetch(&server, "org/clip").unwrap();
    let mut moved = Repository::clip().without("config.json").with("config.json", "{\"new\": true}\n");
    moved.commit = "b".repeat(40);
    server.replaces(moved);
    server.asked();
    let new = machine.fetch(&server, "org/clip").unwrap();
    assert_eq!(new.commit.as_str(), "b".repeat(40));
    assert_eq!(fs_err::read_to_string(new.folder.join("config.json")).unwrap(), "{\"new\": true}\n");
    assert!(old.folder.join("config.json").exists(), "the old snapshot stays");
    assert_eq!(downloads(&server.asked()).len(), 0);
    assert_eq!(machine.hub(&server, &[]).locate(&id("org/clip")).unwrap(), Some(new));
}

#[test]
fn an_unfinished_fetch_does_not_move_the_branch() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let old = machine.fetch(&server, "org/clip").unwrap();
    let mut moved =
        Repository::clip().without("model.safetensors").with_large("model.safetensors", weights(5000));
    moved.commit = "b".repeat(40);
    let etag = moved.file("model.safetensors").etag();
    server.replaces(moved);
    server.fails(&format!("GET /store/{etag}"), Fault::Damaged);
    machine.fetch(&server, "org/clip").unwrap_err();
    assert_eq!(machine.hub(&server, &[]).locate(&id("org/clip")).unwrap(), Some(old));
}

#[test]
fn a_file_that_a_full_disk_has_cut_off_is_fetched_again() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let snapshot = machine.fetch(&server, "org/clip").unwrap();
    let weights = snapshot.folder.join("model.safetensors");
    let whole = fs_err::read(&weights).unwrap();
    fs_err::write(&weights, &whole[..1000]).unwrap();
    machine.fetch(&server, "org/clip").unwrap();
    assert_eq!(fs_err::read(&weights).unwrap(), whole);
}

#[test]
fn without_links_a_snapshot_holds_files() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let hub = machine.hub(&server, &[("HF_HUB_DISABLE_SYMLINKS", "1")]);
    let snapshot = hub.fetch(&id("org/clip"), &quiet).unwrap();
    let config = snapshot.folder.join("config.json");
    assert!(!config.is_symlink());
    assert_eq!(fs_err::read(&config).unwrap(), Repository::clip().file("config.json").content);
    assert_eq!(hub.locate(&id("org/clip")).unwrap(), Some(snapshot));
}

#[test]
fn an_open_clip_model_is_complete_without_a_tokenizer() {
    let repository = Repository::empty("org/open")
        .with("open_clip_config.json", "{}\n")
        .with("preprocessor_config.json", "{}\n")
        .with_large("open_clip_model.safetensors", weights(10))
        .with_large("open_clip_pytorch_model.bin", weights(10));
    let (server, machine) = (FakeHub::start([repository]), Machine::new());
    let snapshot = machine.fetch(&server, "org/open").unwrap();
    let files = crate::support::files(&snapshot.folder);
    assert_eq!(files.len(), 2, "{files:?}");
    assert_eq!(machine.hub(&server, &[]).locate(&id("org/open")).unwrap(), Some(snapshot));
}

#[test]
fn a_repository_of_pickles_is_refused_with_a_way_out() {
    let repository = Repository::clip().without("model.safetensors");
    let (server, machine) = (FakeHub::start([repository]), Machine::new());
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    assert_says(
        &error,
        &[
            "org/clip",
            "its weights are pickled (pytorch_model.bin); only safetensors files are read",
            "AutoModel.from_pretrained(\"org/clip\").save_pretrained(\"FOLDER\")",
            "AutoProcessor.from_pretrained(\"org/clip\").save_pretrained(\"FOLDER\")",
        ],
    );
    assert_eq!(lines(&server.asked()), ["GET /api/models/org/clip/revision/main"]);
    assert_eq!(machine.files().len(), 0);
}
