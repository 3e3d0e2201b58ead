//! Pictures of a few classes: told apart better than by always giving the most frequent one.

use serde_json::Value;

use crate::support::TestContext;

/// A very small CLIP from random weights, trained on the classes of its pictures.
const EXPERIMENT: &str = "\
name: classes
data:
  images: ../pictures
  metadata: ../pictures.csv
  join: { image: name, metadata: file }
  columns: { classes: kind, templates: [\"a {} picture\", \"a picture that is {}\"] }
  split: { by: component, train: 0.5, validation: 0.2, test: 0.3, seed: 0 }
model:
  from: scratch
  architecture:
    image_size: 32
    patch_size: 16
    vision: { width: 32, layers: 1, heads: 2 }
    text: { width: 32, layers: 1, heads: 2 }
    context_length: 16
    vocab_size: 560
    projection_dim: 32
train:
  objective: choice
  epochs: 8
  batch_size: 16
  optimizer: { name: adamw, lr: 3e-3 }
  schedule: { warmup_steps: 2, decay: cosine }
export: { onnx: [fp32, int8] }
seeds: [0]
";

/// Draws 90 pictures, of which 45 are mostly red, 27 green and 18 blue, and a table that says so. The noise is the same
/// on every machine.
fn draw(context: &TestContext) {
    let mut table = "file,kind\n".to_owned();
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 26) as u8
    };
    fs_err::create_dir_all(context.path("pictures")).unwrap();
    for number in 0..90 {
        let channel = [0, 1, 0, 2, 0, 1, 0, 2, 0, 1][number % 10];
        let picture = image::RgbImage::from_fn(32, 32, |_, _| {
            let mut pixel = [noise() + 40, noise() + 40, noise() + 40];
            pixel[channel] += 100;
            image::Rgb(pixel)
        });
        picture.save(context.path(&format!("pictures/{number:02}.png"))).unwrap();
        table.push_str(&format!("{number:02}.png,{}\n", ["red", "green", "blue"][channel]));
    }
    context.write("pictures.csv", &table);
    context.write("experiments/classes.yaml", EXPERIMENT);
}

fn read(path: &std::path::Path) -> Value {
    serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap()
}

#[test]
fn classes_are_told_apart_better_than_by_the_most_frequent_one() {
    let context = TestContext::empty();
    draw(&context);
    context.cliptune("run experiments").succeeded();
    let run = context.only_run("classes");
    let scores = read(&run.join("scores/test/scores.json"));
    let value = |metric: &str| scores["metrics"][metric]["value"].as_f64().unwrap();
    let majority = scores["majority"].as_f64().unwrap();
    assert!(majority > 0.4 && value("accuracy") > majority + 0.2, "{scores:#}");
    assert!(value("balanced_accuracy") > 1.0 / 3.0 + 0.2, "{scores:#}");
    assert!(scores["metrics"]["top5_accuracy"].is_null(), "of three classes, the first five are all");
    let names: Vec<&str> = scores["classes"]["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["blue", "green", "red"]);
    let counted: u64 = scores["classes"]["confusion"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cell| cell["n_items"].as_u64().unwrap())
        .sum();
    assert_eq!(Some(counted), scores["n_items"].as_u64());
    assert_eq!(read(&run.join("onnx/precisions.json"))["task"], "classes");

    let report = read(&context.path("runs/reports/experiments/report.json"));
    assert_eq!(report["boards"][0]["task"], "classes");
    assert_eq!(report["boards"][0]["classes"], scores["classes"]);
    assert!(context.path("runs/reports/experiments/confusion.svg").is_file());
    context.cliptune("status --exit-code").succeeded();

    // Its predictions reach the same when somebody imports them: of three classes, they keep all.
    let source = run.join("scores/test/predictions.parquet").display().to_string();
    let import = format!("import {source} --name copied --experiment classes");
    let copied = context.cliptune(&import).succeeded().stdout;
    let copied = read(&context.path("runs").join(copied.trim()).join("scores/test/scores.json"));
    for metric in ["accuracy", "balanced_accuracy", "label_prob", "brier", "ece", "mrr", "aurc"] {
        for end in ["value", "low", "high"] {
            assert_eq!(copied["metrics"][metric][end], scores["metrics"][metric][end], "{metric} {end}");
        }
    }
    assert_eq!(copied["classes"], scores["classes"]);
}

#[test]
fn other_templates_are_another_training_on_the_same_dataset() {
    let context = TestContext::empty();
    draw(&context);
    context.replace("experiments/classes.yaml", "epochs: 8", "epochs: 1");
    context.replace("experiments/classes.yaml", ", int8", "");
    context.cliptune("run experiments").succeeded();
    context.replace("experiments/classes.yaml", "a {} picture", "the {} one");
    let status = context.cliptune("status --why --json").succeeded().json();
    assert_eq!(
        (&status[0]["dataset"], &status[0]["training"]),
        (&"fresh".into(), &"stale".into()),
        "{status:#}"
    );
    context.cliptune("run experiments").succeeded();
    let datasets = fs_err::read_dir(context.path("runs/datasets")).unwrap().count();
    assert_eq!((datasets, context.runs("classes").len()), (1, 2));
}

#[test]
fn the_classes_of_all_folds_are_counted_together() {
    let context = TestContext::empty();
    draw(&context);
    context.replace("experiments/classes.yaml", "epochs: 8", "epochs: 1");
    context.replace("experiments/classes.yaml", ", int8", "");
    let split = "split: { by: component, train: 0.5, validation: 0.2, test: 0.3, seed: 0 }";
    let folds = "split: { by: component, folds: 3, test_fold: 0, stratify: kind }\nmatrix: { data.split.test_fold: [0, 1, 2] }";
    context.replace("experiments/classes.yaml", split, folds);
    context.cliptune("run experiments").succeeded();
    let report = read(&context.path("runs/reports/experiments/report.json"));
    let classes = report["boards"][0]["classes"]["classes"].as_array().unwrap();
    let counted: Vec<u64> = classes.iter().map(|class| class["n_items"].as_u64().unwrap()).collect();
    assert_eq!(counted, [18, 27, 45], "each picture is tested in one fold");
    assert!(classes.iter().all(|class| class["accuracy"]["value"].is_number()), "{classes:?}");
}
