//! Reduced precisions: made, measured, kept or not.
//!
//! The tiny towers have no linear layer, so that int8 answers exactly as fp32 does: what a margin decides is known.

use cliptune_experiment::{Fraction, Precision, TaskKind};
use cliptune_store::{Precisions, Run, read_precisions};
use fs_err as fs;

use crate::command::{score, stderr};
use crate::fixture::Fixture;

/// Scores; the record that is there afterwards.
fn judged(fixture: &Fixture, run: &Run) -> Precisions {
    let output = score(fixture, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(fixture.standing().is_fresh(), "{:?}", fixture.standing().why);
    read_precisions(run).unwrap().unwrap()
}

fn has(run: &Run, precision: &str) -> bool {
    let files = ["text_model", "vision_model"].map(|tower| format!("{tower}_{precision}.onnx"));
    let there = files.map(|file| run.onnx_folder().join(file).is_file());
    assert_eq!(there[0], there[1], "one tower alone is worth nothing");
    there[0]
}

#[test]
fn every_precision_is_measured_beside_fp32() {
    for task in [TaskKind::Choice, TaskKind::Classes, TaskKind::Pairs] {
        let fixture = Fixture::new(task);
        fixture.declare("export: { onnx: [fp32, fp16, int8] }");
        let (run, _) = fixture.train();
        let precisions = judged(&fixture, &run);
        assert_eq!((precisions.task, precisions.n_items, precisions.n_groups), (task, 12, 4));
        let int8 = precisions.of(Precision::Int8).unwrap();
        assert_eq!((int8.max_logit_difference, int8.answers_agree, int8.difference.value), (0.0, 12, 0.0));
        assert_eq!(int8.difference.method, "the sides do not differ on any item");
        assert_eq!(int8.margin.map(Fraction::get), Some(0.01));
        let fp16 = precisions.of(Precision::Fp16).unwrap();
        assert!(fp16.max_logit_difference > 0.0 && fp16.max_logit_difference < 1.0, "{fp16:?}");
        assert_eq!((fp16.kept, int8.kept, fp16.margin), (true, true, None));
        assert!(has(&run, "fp16") && has(&run, "int8"));
        assert!(precisions.fp32.image_milliseconds > 0.0 && int8.measured.text_milliseconds > 0.0);
        let bytes = ["text_model.onnx", "vision_model.onnx"]
            .map(|file| fs::metadata(run.onnx_folder().join(file)).unwrap().len());
        assert_eq!(precisions.fp32.bytes, bytes.iter().sum::<u64>());
        let leftovers = fs::read_dir(run.folder()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(leftovers.into_iter().all(|name| !name.to_string_lossy().starts_with('.')));
    }
}

#[test]
fn scoring_again_measures_nothing() {
    let fixture = Fixture::new(TaskKind::Choice);
    fixture.declare("export: { onnx: [fp32, fp16, int8] }");
    let (run, _) = fixture.train();
    let before = judged(&fixture, &run);
    let file = run.onnx_folder().join("text_model_int8.onnx");
    let modified = || fs::metadata(&file).unwrap().modified().unwrap();
    let time = modified();
    let after = judged(&fixture, &run);
    assert_eq!((before, time), (after, modified()));
}

#[test]
fn what_falls_too_far_is_not_kept_and_comes_back_with_a_wider_margin() {
    let fixture = Fixture::new(TaskKind::Choice);
    fixture.declare("export: { onnx: [fp32, int8], int8_margin: 0 }");
    let (run, _) = fixture.train();
    let strict = judged(&fixture, &run);
    assert!(!strict.of(Precision::Int8).unwrap().kept && !has(&run, "int8"));

    fixture.declare("export: { onnx: [fp32, int8], int8_margin: 0.5 }");
    let standing = fixture.standing();
    assert_eq!(standing.run.as_ref().map(Run::id), Some(run.id()), "a margin trains nothing again");
    assert_eq!(standing.unjudged_precisions, [Precision::Int8]);
    assert_eq!(standing.why, ["export.int8_margin: 0 → 0.5"]);
    let wide = judged(&fixture, &run);
    assert!(wide.of(Precision::Int8).unwrap().kept && has(&run, "int8"));
    assert_eq!(wide.fp32, strict.fp32, "what was measured stands");

    fixture.declare("export: { onnx: [fp32, int8], int8_margin: 0 }");
    assert_eq!((judged(&fixture, &run), has(&run, "int8")), (strict, false));
}

#[test]
fn a_precision_can_be_added_to_a_finished_run() {
    let fixture = Fixture::new(TaskKind::Choice);
    fixture.declare("export: { onnx: [fp32, int8] }");
    let (run, _) = fixture.train();
    judged(&fixture, &run);
    fixture.declare("export: { onnx: [fp32, fp16] }");
    let precisions = judged(&fixture, &run);
    let names: Vec<&str> = precisions.reduced.iter().map(|reduced| reduced.precision.as_str()).collect();
    assert_eq!(names, ["fp16", "int8"], "all are measured together");
    assert!(has(&run, "int8"), "what is not asked for any more is left alone");
}

#[test]
fn a_lost_file_is_made_again() {
    let fixture = Fixture::new(TaskKind::Choice);
    fixture.declare("export: { onnx: [fp32, fp16] }");
    let (run, _) = fixture.train();
    let before = judged(&fixture, &run);
    let file = run.onnx_folder().join("vision_model_fp16.onnx");
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(fixture.standing().unjudged_precisions, [Precision::Fp16]);
    assert_eq!((judged(&fixture, &run), fs::read(&file).unwrap()), (before, bytes));
}

#[test]
fn a_damaged_record_is_made_again() {
    let fixture = Fixture::new(TaskKind::Choice);
    fixture.declare("export: { onnx: [fp32, fp16] }");
    let (run, _) = fixture.train();
    judged(&fixture, &run);
    fs::write(run.precisions_file(), "{").unwrap();
    assert!(judged(&fixture, &run).of(Precision::Fp16).unwrap().kept);
}

#[test]
fn without_validation_items_nothing_can_be_judged() {
    let fixture = Fixture::new(TaskKind::Choice);
    fixture.declare("export: { onnx: [fp32, fp16, int8] }");
    let (run, _) = fixture.train_on(&fixture.items);
    let output = score(&fixture, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    let problem = format!(
        "error: the reduced precisions of {} cannot be judged: its dataset has no validation items",
        run.id()
    );
    assert!(said.contains(&problem), "{said}");
    let hint = "hint: take fp16 and int8 out of export.onnx, or give validation a share in data.split";
    assert!(said.contains(hint), "{said}");
    assert!(!has(&run, "int8") && !has(&run, "fp16"));
}

#[test]
fn the_person_is_told_what_each_costs() {
    let fixture = Fixture::new(TaskKind::Choice);
    fixture.declare("export: { onnx: [fp32, int8], int8_margin: 0 }");
    let (run, _) = fixture.train();
    let said = stderr(&score(&fixture, &[]));
    let line = format!(
        "{} int8: not kept; accuracy 0.000 [0.000, 0.000] against fp32 on 12 validation items; ",
        run.id()
    );
    assert!(said.contains(&line), "{said}");
}
