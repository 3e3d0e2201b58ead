//! What an experiment means that declares little, and what it says about that.

use cliptune_experiment::{Architecture, Experiment, ModelSource, Tune, Warmup};

use crate::support::Folder;

const DATA: &str = "data: { images: images, metadata: t.csv, columns: { text: t } }\n";

/// An experiment without anything that could be left out.
fn least(name: &str, from: &str, train: &str) -> String {
    format!("name: {name}\n{DATA}model: {{ {from} }}\ntrain: {{ objective: contrastive{train} }}\n")
}

/// Loads a single experiment.
fn one(from: &str, train: &str) -> Result<Experiment, String> {
    let folder = Folder::with(&[("one.yaml", &least("one", from, train))]);
    folder.load("one.yaml", &[]).map(|mut experiments| experiments.remove(0))
}

/// Epochs, batch size, learning rate and warm-up of an experiment.
fn numbers(experiment: &Experiment) -> (usize, usize, f64, f64) {
    let train = experiment.plans[0].train.as_ref().unwrap();
    let Warmup::Share(warmup) = train.schedule.warmup else { panic!("{:?}", train.schedule) };
    (train.epochs, train.batch_size.get(), train.optimizer.lr.get(), warmup.get())
}

#[test]
fn what_a_training_leaves_out_is_usual_for_what_it_trains() {
    let scratch = "from: scratch, architecture: tiny";
    for (from, train, expected) in [
        (scratch, "", (32, 64, 5e-4, 0.1)),
        (scratch, ", tune: full, optimizer: { name: adam }", (32, 64, 5e-4, 0.1)),
        ("from: .", "", (10, 64, 1e-5, 0.1)),
        ("from: openai/clip-vit-base-patch32", "", (10, 64, 1e-5, 0.1)),
        ("from: .", ", tune: locked-image", (10, 64, 1e-5, 0.1)),
        ("from: .", ", tune: lora", (10, 64, 2e-4, 0.1)),
        ("from: .", ", tune: projections", (10, 64, 1e-3, 0.1)),
        ("from: .", ", epochs: 3, batch_size: 8, optimizer: { lr: 1e-6 }", (3, 8, 1e-6, 0.1)),
    ] {
        assert_eq!(numbers(&one(from, train).unwrap()), expected, "{from}{train}");
    }
}

#[test]
fn what_was_trained_here_from_random_weights_is_tuned_faster_than_a_model_from_elsewhere() {
    let folder = Folder::with(&[
        ("a.yaml", &least("small", "from: scratch, architecture: tiny", "")),
        ("b.yaml", "name: tuned\nextends: a.yaml\nmodel: { from: run:small, architecture: null }\n"),
        ("c.yaml", &least("again", "from: 'run:tuned@0'", "")),
        ("d.yaml", &least("large", "from: openai/clip-vit-base-patch32", "")),
        ("e.yaml", &least("larger", "from: run:large", "")),
    ]);
    let rates: Vec<(String, f64)> = folder
        .load(".", &[])
        .unwrap()
        .iter()
        .map(|experiment| (experiment.name.to_string(), numbers(experiment).2))
        .collect();
    let expected = [("small", 5e-4), ("tuned", 3e-4), ("again", 3e-4), ("large", 1e-5), ("larger", 1e-5)];
    assert_eq!(rates, expected.map(|(name, rate)| (name.to_owned(), rate)));
    let alone = folder.load("c.yaml", &[]).unwrap();
    assert_eq!(numbers(&alone[2]).2, 3e-4, "the same without naming the others");
}

#[test]
fn no_learning_rate_is_usual_for_plain_gradient_descent() {
    insta::assert_snapshot!(one("from: .", ", optimizer: { name: sgd }").unwrap_err(), @r#"
    error: `train.optimizer` lacks `lr`
     --> one.yaml:4:53
      |
    4 | train: { objective: contrastive, optimizer: { name: sgd } }
      |                                                     ^^^ expected `lr` beside it: no learning rate is usual for this optimiser
    "#);
    assert!(one("from: .", ", optimizer: { name: sgd, lr: 0.1 }").is_ok());
}

#[test]
fn random_weights_need_an_architecture_and_the_error_names_one() {
    insta::assert_snapshot!(one("from: scratch", "").unwrap_err(), @r#"
    error: `from: scratch` without `architecture`
     --> one.yaml:3:16
      |
    3 | model: { from: scratch }
      |                ^^^^^^^ expected `model.architecture` beside it: the sizes of the model
      = help: `architecture: tiny` is a small one
    "#);
    insta::assert_snapshot!(one("from: scratch, architecture: ViT-B/23", "").unwrap_err(), @r#"
    error: unknown value `ViT-B/23` for `model.architecture`
     --> one.yaml:3:39
      |
    3 | model: { from: scratch, architecture: ViT-B/23 }
      |                                       ^^^^^^^^ expected `tiny`, `small`, `ViT-B/32`, `ViT-B/16` or `ViT-L/14`
      = help: did you mean `ViT-B/32`?
    "#);
}

/// The sizes of a named architecture.
fn sizes(name: &str) -> Architecture {
    let plan = one(&format!("from: scratch, architecture: {name}"), "").unwrap().plans.remove(0);
    match plan.model.from {
        ModelSource::Scratch(sizes) => sizes,
        other => panic!("{other}"),
    }
}

/// The number of weights of a CLIP of these sizes.
fn weights(sizes: &Architecture) -> usize {
    let block = |width: usize| 12 * width * width + 13 * width;
    let (vision, text, shared) = (sizes.vision, sizes.text, sizes.projection_dim);
    let patches = (sizes.image_size / sizes.patch_size).pow(2);
    let image = vision.width * (1 + sizes.patch_size.pow(2) * 3 + patches + 1 + 2 + 2 + shared);
    let words = text.width * (sizes.vocab_size + sizes.context_length + 2 + shared);
    image + words + vision.layers * block(vision.width) + text.layers * block(text.width) + 1
}

/// The counts are those of OpenAI's models:
///
/// ```python
/// import open_clip
/// for name in ["ViT-B-32-quickgelu", "ViT-B-16-quickgelu", "ViT-L-14-quickgelu"]:
///     print(sum(weight.numel() for weight in open_clip.create_model(name).parameters()))
/// # 151277313 149620737 427616513
/// ```
#[test]
fn the_vits_have_as_many_weights_as_those_of_openai() {
    let counts = ["ViT-B/32", "ViT-B/16", "ViT-L/14"].map(|name| weights(&sizes(name)));
    assert_eq!(counts, [151_277_313, 149_620_737, 427_616_513]);
    assert_eq!(["tiny", "small"].map(|name| weights(&sizes(name)) / 1_000_000), [2, 14]);
}

#[test]
fn a_name_and_the_sizes_that_it_stands_for_are_the_same_experiment() {
    for name in ["tiny", "small", "ViT-B/32", "ViT-B/16", "ViT-L/14"] {
        let named = one(&format!("from: scratch, architecture: {name}"), "").unwrap();
        let yaml = named.plans[0].to_yaml().unwrap();
        assert!(!yaml.contains(name), "the sizes are written out: {yaml}");
        let spelled = Folder::with(&[("one.yaml", &yaml)]).load("one.yaml", &[]).unwrap();
        let written = |experiment: &Experiment| experiment.plans[0].model.clone();
        assert_eq!(written(&spelled[0]), written(&named));
        assert_eq!(sizes(name).name(), Some(name));
    }
}

#[test]
fn an_architecture_is_an_axis() {
    let text = least("one", "from: scratch", "") + "matrix: { model.architecture: [tiny, small] }\n";
    let plans = Folder::with(&[("one.yaml", &text)]).load("one.yaml", &[]).unwrap().remove(0).plans;
    let names: Vec<_> = plans.iter().map(|plan| plan.axes["model.architecture"].clone()).collect();
    assert_eq!(names, ["tiny", "small"]);
    assert_ne!(plans[0].model, plans[1].model);
}

#[test]
fn settings_that_nobody_declares_are_told_from_those_that_somebody_does() {
    let keys = |experiment: &Experiment| -> Vec<String> {
        let defaults = experiment.defaults().into_iter();
        defaults
            .map(|(key, value)| format!("{key} {value}"))
            .filter(|key| key.starts_with("train."))
            .collect()
    };
    let nothing = keys(&one("from: .", "").unwrap());
    for default in [
        "train.epochs 10",
        "train.batch_size 64",
        "train.optimizer.name \"adamw\"",
        "train.optimizer.lr 0.00001",
        "train.schedule.warmup 0.1",
    ] {
        assert!(nothing.contains(&default.to_owned()), "{default}: {nothing:?}");
    }
    assert!(!nothing.iter().any(|key| key.starts_with("train.objective")));
    // A value that is declared is no default, even where it is the same.
    let declared =
        one("from: .", ", epochs: 10, optimizer: { lr: 1e-5 }, schedule: { warmup: 0.1 }").unwrap();
    let told = keys(&declared);
    for key in ["train.epochs", "train.optimizer.lr", "train.schedule.warmup"] {
        assert!(!told.iter().any(|told| told.starts_with(key)), "{key}: {told:?}");
    }
    let train = |experiment: &Experiment| experiment.plans[0].train.clone();
    assert_eq!(train(&declared), train(&one("from: .", "").unwrap()), "it is the same run all the same");
}

#[test]
fn settings_of_the_command_line_of_parents_and_of_the_matrix_are_declared() {
    let folder = Folder::with(&[
        ("parent.yaml", &least("parent", "from: .", ", epochs: 4")),
        ("child.yaml", "name: child\nextends: parent.yaml\nmatrix: { train.batch_size: [8, 16] }\n"),
    ]);
    let child = &folder.load("child.yaml", &["train.optimizer.lr=1e-4"]).unwrap()[0];
    let defaults: Vec<String> = child.defaults().into_iter().map(|(key, _)| key).collect();
    for declared in ["train.epochs", "train.batch_size", "train.optimizer.lr", "data.images"] {
        assert!(!defaults.contains(&declared.to_owned()), "{declared}");
    }
    assert!(defaults.contains(&"train.optimizer.weight_decay".to_owned()));
}

#[test]
fn sizes_that_a_name_stands_for_are_no_defaults() {
    let named = one("from: scratch, architecture: tiny", "").unwrap();
    assert!(named.defaults().iter().all(|(key, _)| !key.starts_with("model.architecture")));
    assert!(matches!(named.plans[0].train.as_ref().unwrap().tune, Tune::Full));
}

#[test]
fn a_join_that_is_left_out_is_left_to_be_found() {
    let plan = one("from: .", "").unwrap().plans.remove(0);
    assert_eq!(plan.data.join, None);
    assert!(!plan.to_yaml().unwrap().contains("join"));
}
