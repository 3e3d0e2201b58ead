//! Every file of `valid/` loads, every file of `invalid/` says what is wrong; each has its snapshot.

use std::path::{Path, PathBuf};

use cliptune_experiment::load;

use crate::support::{Folder, load_at};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn each(name: &str, check: impl Fn(&Path, &str)) {
    let mut files: Vec<PathBuf> =
        fs_err::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "yaml")) {
        check(file, file.file_stem().unwrap().to_str().unwrap());
    }
}

#[test]
fn invalid_files_say_what_is_wrong() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder("invalid"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        each("invalid", |file, name| {
            let error = load_at(file.to_owned(), &folder("invalid"), &[]).expect_err(name);
            insta::assert_snapshot!(name, error);
        });
    });
}

#[test]
fn valid_files_become_plans() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder("valid"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        each("valid", |file, name| {
            let experiments = load_at(file.to_owned(), &folder("valid"), &[]).unwrap();
            let plans = experiments.iter().flat_map(|experiment| &experiment.plans);
            let yaml: Vec<String> =
                plans.map(|plan| format!("# axes: {:?}\n{}", plan.axes, plan.to_yaml().unwrap())).collect();
            insta::assert_snapshot!(name, yaml.join("---\n").replace(env!("CARGO_MANIFEST_DIR"), "/CRATE"));
        });
    });
}

#[test]
fn an_option_that_is_left_out_is_at_its_default() {
    let unusual = |name: &str| {
        let experiments = load(&[folder("valid").join(name)], &[]).unwrap();
        let options = experiments[0].plans[0].options();
        let unusual = options.into_iter().filter(|option| !option.is_default);
        unusual.map(|option| format!("{} {}", option.key, option.value)).collect::<Vec<_>>().join("\n")
    };
    let told = ["sgd", "lora", "everything"].map(|name| unusual(&format!("{name}.yaml")));
    insta::assert_snapshot!(told.join("\n\n"), @r#"
    data.columns.text caption
    train.tune locked-text
    train.unlocked_layers 2
    train.epochs 1
    train.batch_size 8
    train.optimizer.name sgd
    train.optimizer.momentum 0.9
    train.optimizer.nesterov true
    train.optimizer.lr 1e-3
    train.schedule.warmup_steps 3
    train.schedule.decay linear

    data.columns.choices c
    data.columns.label l
    train.tune lora
    train.lora.rank 4
    train.lora.dropout 0.25
    train.lora.targets ["v","mlp"]
    train.epochs 1
    train.batch_size 8
    train.augment.color_jitter.contrast 0.5
    train.optimizer.lr 1e-3
    train.interpolate [0.25,0.5,1.0]

    description All keys
    data.access.anonymous true
    data.access.endpoint http://127.0.0.1:9000
    data.access.region eu-west-1
    data.access.metadata_server true
    data.columns.choices c
    data.columns.label l
    data.columns.id i
    data.columns.group g
    data.columns.vocabulary ["words"]
    data.where size > 100
    data.deduplicate false
    data.verify header
    data.require.matched_images 0.99
    data.require.matched_rows 0.9
    data.require.rejected_images 0.02
    data.require.rejected_rows 0.01
    data.split.across ["c"]
    data.split.train 0.333
    data.split.validation 0.333
    data.split.test 0.334
    data.split.stratify kind
    data.split.seed 4294967295
    model.image_fit pad
    model.architecture.activation gelu
    model.architecture.logit_scale 1
    train.contrastive_weight 0.5
    train.label_smoothing 0.1
    train.reduction sum
    train.tune projections
    train.logit_scale fixed
    train.epochs 32
    train.batch_size 128
    train.accumulate 4
    train.gradient_cache 16
    train.gradient_checkpointing true
    train.shuffle false
    train.augment.random_resized_crop.scale [0.5,1.0]
    train.augment.random_resized_crop.ratio [0.8,1.25]
    train.augment.horizontal_flip 0.5
    train.augment.color_jitter.brightness 0.1
    train.augment.color_jitter.contrast 0.2
    train.augment.color_jitter.saturation 0.3
    train.augment.random_erasing.probability 0.25
    train.augment.random_erasing.scale [0.1,0.2]
    train.augment.random_erasing.ratio [0.5,2.0]
    train.optimizer.name adam
    train.optimizer.betas [0.0,0.95]
    train.optimizer.eps 1e-7
    train.optimizer.lr 1e-5
    train.optimizer.weight_decay 0.01
    train.optimizer.layer_decay 0.75
    train.schedule.decay constant-with-cooldown
    train.schedule.cooldown 0.25
    train.clip_grad_norm 1
    train.ema 0.999
    train.precision bf16
    train.deterministic true
    train.select validation.loss
    train.patience 3
    export.onnx ["int8","fp32","fp16"]
    export.int8_margin 0.002
    score.splits ["train","test"]
    "#);
}

#[test]
fn a_resolved_plan_loads_as_the_same_plan() {
    each("valid", |file, name| {
        for experiment in load(&[file.to_owned()], &[]).unwrap() {
            for mut plan in experiment.plans {
                let again = Folder::with(&[("plan.yaml", &plan.to_yaml().unwrap())]);
                let experiments = again.load("plan.yaml", &[]).unwrap();
                // An axis is in its place by now.
                plan.axes.clear();
                assert_eq!(experiments[0].plans, [plan], "{name}");
            }
        }
    });
}
