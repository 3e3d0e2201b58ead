//! Reduced precisions: what is kept is there, what is not is gone.

use cliptune_experiment::{Fraction, Precision, TaskKind};
use cliptune_store::{
    Estimate, Measured, PRECISIONS_FORMAT, Precisions, ReducedPrecision, Run, StoreError, read_precisions,
    tower_files, write_precisions,
};
use fs_err as fs;

use crate::support::{World, create};

fn precisions(kept: bool) -> Precisions {
    let measured =
        || Measured { bytes: 1, score: 0.5, image_milliseconds: 3.25, text_milliseconds: 0.1 + 0.2 };
    let difference = Estimate { value: -0.01, low: -0.02, high: 0.0, method: "bootstrap".to_owned() };
    Precisions {
        format_version: PRECISIONS_FORMAT,
        task: TaskKind::Choice,
        n_items: 100,
        n_groups: 20,
        fp32: measured(),
        reduced: vec![ReducedPrecision {
            precision: Precision::Int8,
            measured: measured(),
            difference,
            max_logit_difference: f64::INFINITY,
            answers_agree: 99,
            margin: Fraction::try_from(0.05).ok(),
            kept,
        }],
    }
}

fn run(world: &World) -> Run {
    let run = create(world, "key");
    fs::create_dir_all(run.onnx_folder()).unwrap();
    run
}

fn towers(run: &Run) -> Vec<bool> {
    tower_files(Precision::Int8).map(|file| run.onnx_folder().join(file).is_file()).to_vec()
}

#[test]
fn files_and_record_go_together() {
    let world = World::new();
    let run = run(&world);
    assert_eq!(read_precisions(&run).unwrap(), None);
    let workshop = run.workshop().unwrap();
    for file in tower_files(Precision::Int8) {
        fs::write(workshop.path().join(file), "graph").unwrap();
    }
    write_precisions(&run, &precisions(true), workshop.path()).unwrap();
    assert_eq!(read_precisions(&run).unwrap(), Some(precisions(true)));
    assert_eq!(towers(&run), [true, true]);
    // Nothing new was made: what is there stays.
    write_precisions(&run, &precisions(true), workshop.path()).unwrap();
    assert_eq!(towers(&run), [true, true]);
    write_precisions(&run, &precisions(false), workshop.path()).unwrap();
    assert_eq!(towers(&run), [false, false]);
}

#[test]
fn what_was_made_and_is_not_kept_is_gone_with_the_workshop() {
    let world = World::new();
    let run = run(&world);
    let workshop = run.workshop().unwrap();
    let folder = workshop.path().to_path_buf();
    for file in tower_files(Precision::Int8) {
        fs::write(folder.join(file), "graph").unwrap();
    }
    write_precisions(&run, &precisions(false), &folder).unwrap();
    drop(workshop);
    assert_eq!((towers(&run), folder.exists()), (vec![false, false], false));
}

#[test]
fn a_record_of_an_earlier_procedure_is_none_and_a_newer_one_is_refused() {
    let world = World::new();
    let run = run(&world);
    let read = |format_version| {
        let other = Precisions { format_version, ..precisions(false) };
        write_precisions(&run, &other, &run.onnx_folder()).unwrap();
        read_precisions(&run)
    };
    assert_eq!(read(PRECISIONS_FORMAT - 1).unwrap(), None);
    assert!(matches!(read(PRECISIONS_FORMAT + 1), Err(StoreError::Version { .. })));
}

#[test]
fn the_towers_of_a_precision_are_called_as_the_published_ones() {
    assert_eq!(tower_files(Precision::Fp32), ["text_model.onnx", "vision_model.onnx"]);
    assert_eq!(tower_files(Precision::Fp16), ["text_model_fp16.onnx", "vision_model_fp16.onnx"]);
}
