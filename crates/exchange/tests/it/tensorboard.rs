//! Runs for TensorBoard.

use cliptune_exchange::export::Format;
use fs_err as fs;

use crate::support::{World, texts};

#[test]
fn each_run_that_has_event_files_has_a_folder_and_the_others_are_named() {
    let world = World::new();
    let name = "events.out.tfevents.1767225600.host.1.0";
    fs::write(world.runs[0].folder().join(name), "whole and cut o").unwrap();
    let exported = world.export(&world.runs[..2], Format::Tensorboard, "out").unwrap();
    assert_eq!(texts(&exported.files), [format!("{}/{name}", world.runs[0].id())]);
    assert_eq!(exported.without_events, [world.runs[1].id()]);
    assert!(exported.without_scores.is_empty(), "event files have no scores");
    assert_eq!(world.read(&format!("out/{}/{name}", world.runs[0].id())), "whole and cut o");
}

#[test]
fn a_run_that_there_is_nothing_to_show_of_is_an_error_that_leaves_nothing() {
    let world = World::new();
    let error = world.export(&world.runs[3..], Format::Tensorboard, "out").unwrap_err();
    assert!(error.to_string().starts_with("TensorBoard has nothing to show of second/"), "{error}");
    assert!(!world.path("out").exists());
}
