//! The demo experiments of this repository.

use std::path::PathBuf;

use cliptune_experiment::{ModelSource, load};

fn demo() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../experiments/demo")
}

#[test]
fn the_base_comes_before_what_starts_from_it() {
    let experiments = load(&[demo()], &[]).map_err(|error| error.rendered()).unwrap();
    let names: Vec<&str> = experiments.iter().map(|experiment| experiment.name.as_str()).collect();
    assert_eq!(names, ["base", "locked-image", "tuned", "zero-shot"]);
}

#[test]
fn a_base_is_found_beside_the_file_that_names_it() {
    let experiments = load(&[demo().join("tuned.yaml")], &[]).map_err(|error| error.rendered()).unwrap();
    let names: Vec<&str> = experiments.iter().map(|experiment| experiment.name.as_str()).collect();
    assert_eq!(names, ["base", "tuned"]);
    assert_eq!(experiments[1].plans.len(), 3);
    assert!(
        matches!(&experiments[1].plans[0].model.from, ModelSource::Run(run) if run.experiment.as_str() == "base")
    );
}
