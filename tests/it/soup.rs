//! `cliptune soup`.

use std::collections::BTreeMap;
use std::path::Path;

use fs_err as fs;
use serde_json::Value;

use crate::export::tensors;
use crate::outputs::finished;
use crate::support::{TestContext, assert_output};

/// The numbers of every weight of a model folder.
fn weights(folder: &Path) -> BTreeMap<String, Vec<f32>> {
    let numbers = |bytes: Vec<u8>| bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
    let tensors = tensors(&folder.join("model.safetensors"));
    tensors.into_iter().map(|(name, (_, bytes))| (name, numbers(bytes))).collect()
}

/// An experiment that takes a folder as it is, with the data of another one.
fn taken_as_it_is(context: &TestContext, data_of: &str, folder: &str) -> String {
    let text = fs::read_to_string(context.path(data_of)).unwrap();
    let start = text.find("\nmodel:").unwrap();
    let data = text[..start].replace("name: tuned", "name: soup");
    format!("{data}\nmodel:\n  from: {folder}\nseeds: [0]\n")
}

#[test]
fn the_mean_of_two_seeds_is_scored_like_any_model() {
    let context = TestContext::new();
    context.replace("experiments/tuned.yaml", "epochs: 1\n", "epochs: 1\n  select: last\n");
    context.cliptune("run experiments").succeeded();
    let soup = context.cliptune("soup tuned --to models/soup --json").succeeded().json();
    assert_eq!(soup["runs"].as_array().unwrap().len(), 2, "{soup}");
    let mean = weights(&context.path("models/soup"));
    let runs: Vec<_> = soup["runs"].as_array().unwrap().iter().map(|run| run.as_str().unwrap()).collect();
    let [first, second] =
        [runs[0], runs[1]].map(|run| weights(&context.path("runs").join(run).join("model")));
    assert_eq!(mean.len(), first.len());
    assert!(first != second);
    for (name, mean) in &mean {
        let pairs = first[name].iter().zip(&second[name]);
        let expected = pairs.map(|(&a, &b)| ((f64::from(a) + f64::from(b)) / 2.0) as f32);
        assert!(mean.iter().copied().eq(expected), "{name}");
    }
    let experiment = taken_as_it_is(&context, "experiments/tuned.yaml", "../models/soup");
    context.write("experiments/soup.yaml", &experiment);
    context.cliptune("run experiments/soup.yaml").succeeded();
    assert_eq!(context.statuses("soup"), ["done"]);
    let record: Value =
        serde_json::from_slice(&fs::read(context.only_run("soup").join("run.json")).unwrap()).unwrap();
    // Of the base and of both seeds: one dataset each.
    assert_eq!(record["lineage"].as_array().unwrap().len(), 2, "{record:#}");
    // Other cartoons are held out: some of them were trained on. The same goes for the model of a run, taken by its path.
    for folder in ["../models/soup".to_owned(), format!("../runs/{}/model", runs[0])] {
        let other_split = taken_as_it_is(&context, "experiments/tuned.yaml", &folder)
            .replace("test: 0.2, seed: 0", "test: 0.2, seed: 1");
        context.write("experiments/soup.yaml", &other_split);
        let refused = context.cliptune("run experiments/soup.yaml").ended(1);
        assert!(refused.stderr.contains("were seen in training by the model it starts from"), "{refused}");
    }
}

#[test]
fn a_soup_needs_two_runs() {
    let context = TestContext::empty();
    let store = finished().path("runs");
    let soup = |runs: &str| context.cliptune(&format!("soup {runs} --store {} --to out", store.display()));
    assert_output!(context, soup("tuned"), @r"
    exit code: 2
    ----- stderr -----
    error: a soup is made of two runs or more, not of tuned/[RUN]-s0 alone

    hint: name several runs, or an experiment with several `seeds`
    ");
    assert!(soup("nothing").ended(2).stderr.contains("there is no run nothing"));
    assert!(!context.path("out").exists());
}

#[test]
fn a_soup_needs_models_that_are_alike() {
    let context = TestContext::new();
    let base = fs::read_to_string(context.path("experiments/base.yaml")).unwrap();
    let narrow =
        base.replace("name: base", "name: narrow").replace("projection_dim: 32", "projection_dim: 16");
    context.write("experiments/narrow.yaml", &narrow);
    context.cliptune("run experiments/base.yaml experiments/narrow.yaml").succeeded();
    assert_output!(context, context.cliptune("soup base narrow --to out"), @r"
    exit code: 2
    ----- stderr -----
    error: base/[RUN]-s0 and narrow/[RUN]-s0 have different architectures

    hint: only models that started as one can be averaged
    ");
    // Random weights of two seeds can be averaged, and it is said what that is worth.
    context.cliptune("run experiments/base.yaml --set seeds=[0,1]").succeeded();
    assert_output!(context, context.cliptune("soup base --to out"), @r"
    exit code: 0
    ----- stdout -----
    out
    ----- stderr -----
    warning: these runs have not started from the same weights: their mean is seldom a good model
    ");
}
