//! An override is laid over every experiment in which it has a meaning, and only over those.

use cliptune_experiment::{
    CheckpointInterval, Experiment, ModelSource, NearDuplicates, Objective, Plan, Precision, SplitBy, Tune,
    UpdateRule, Warmup,
};

use crate::support::{Folder, REST};

/// A section `train` with some more options.
fn train(options: &str) -> String {
    let objective = if options.contains("objective") { "" } else { "objective: choice, " };
    format!("train: {{ {objective}epochs: 3, batch_size: 8, optimizer: {{ lr: 1e-3 }}, {options} }}\n")
}

/// Loads experiments that differ in what is given and in their names, which are `a`, `b` and so on.
fn load(texts: &[String], settings: &[&str]) -> Result<Vec<Experiment>, String> {
    let named: Vec<(String, String)> = ('a'..='z')
        .zip(texts)
        .map(|(name, text)| (format!("{name}.yaml"), format!("name: {name}{REST}{text}")))
        .collect();
    let files: Vec<(&str, &str)> = named.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    Folder::with(&files).load(".", settings)
}

fn plans(texts: &[String], settings: &[&str]) -> Vec<Plan> {
    load(texts, settings).unwrap().into_iter().flat_map(|experiment| experiment.plans).collect()
}

fn tune(plan: &Plan) -> Tune {
    plan.train.as_ref().unwrap().tune
}

fn rank(plan: &Plan) -> Option<usize> {
    match plan.train.as_ref()?.tune {
        Tune::Lora { lora } => Some(lora.rank.get()),
        _ => None,
    }
}

#[test]
fn an_optional_map_is_made_where_other_settings_give_it_a_meaning() {
    let texts = [
        String::new(),
        train(""),
        train("tune: lora"),
        train("tune: lora, lora: { dropout: 0.5 }"),
        train("tune: locked-image"),
    ];
    let experiments = load(&texts, &["train.lora.rank=4"]).unwrap();
    let ranks: Vec<_> = experiments.iter().map(|one| rank(&one.plans[0])).collect();
    assert_eq!(ranks, [None, None, Some(4), Some(4), None]);
    assert_eq!(tune(&experiments[4].plans[0]), Tune::LockedImage { unlocked_layers: 0 });
    let taken: Vec<_> = experiments.iter().map(|one| one.settings.len()).collect();
    assert_eq!(taken, [0, 0, 1, 1, 0], "an experiment knows which settings it took");
}

#[test]
fn the_order_of_overrides_does_not_matter_where_one_gives_another_its_meaning() {
    for settings in [["train.tune=lora", "train.lora.rank=4"], ["train.lora.rank=4", "train.tune=lora"]] {
        assert_eq!(rank(&plans(&[train("")], &settings)[0]), Some(4), "{settings:?}");
    }
    let section = "train={objective: choice, epochs: 1, batch_size: 2, optimizer: {lr: 1}}";
    for settings in [[section, "train.patience=2"], ["train.patience=2", section]] {
        let plan = &plans(&[String::new()], &settings)[0];
        assert_eq!(plan.train.as_ref().unwrap().patience.map(usize::from), Some(2), "{settings:?}");
    }
}

#[test]
fn a_map_that_needs_nothing_else_is_made_in_every_training() {
    let texts = [String::new(), train(""), train("augment: { color_jitter: { contrast: 0.5 } }")];
    let settings = ["train.augment.horizontal_flip=0.5", "train.augment.random_erasing.probability=1"];
    let plans = plans(&texts, &settings);
    assert!(plans[0].train.is_none());
    for plan in &plans[1..] {
        let augment = plan.train.as_ref().unwrap().augment.unwrap();
        assert_eq!(augment.horizontal_flip.get(), 0.5);
        assert_eq!(augment.random_erasing.unwrap().probability.get(), 1.0);
    }
    assert_eq!(plans[2].train.as_ref().unwrap().augment.unwrap().color_jitter.unwrap().contrast, 0.5);
}

#[test]
fn an_option_of_some_words_goes_to_experiments_with_these_words() {
    let sgd = "train: { objective: choice, epochs: 1, batch_size: 8, optimizer: { name: sgd, lr: 1 } }\n";
    let settings = ["train.optimizer.momentum=0.9", "train.optimizer.eps=1e-5"];
    let found = plans(&[train(""), sgd.to_owned()], &settings);
    let rules: Vec<_> = found.iter().map(|plan| plan.train.as_ref().unwrap().optimizer.rule).collect();
    let adamw = UpdateRule::AdamW { betas: (0.9, 0.98), eps: 1e-5 };
    assert_eq!(rules, [adamw, UpdateRule::Sgd { momentum: 0.9, nesterov: false }]);

    let texts = [train("objective: contrastive"), train("objective: choice+contrastive")];
    let found = plans(&texts, &["train.contrastive_weight=2"]);
    let objectives: Vec<_> = found.iter().map(|plan| plan.train.as_ref().unwrap().objective).collect();
    assert_eq!(
        objectives,
        [Objective::Contrastive, Objective::ChoiceContrastive { contrastive_weight: 2.0 }]
    );
}

#[test]
fn keys_that_belong_to_other_keys_go_where_these_are() {
    let texts = ["export: { onnx: [fp32, int8] }\n".to_owned(), String::new()];
    let found = plans(&texts, &["export.int8_margin=0.5"]);
    let margins: Vec<_> = found.iter().map(|plan| plan.export.int8_margin.map(f64::from)).collect();
    assert_eq!(margins, [Some(0.5), None]);
    assert_eq!(plans(&texts, &["export.onnx=[fp32]"])[0].export.onnx, [Precision::Fp32]);

    let found = plans(&[train("select: last"), train("")], &["train.patience=3"]);
    let patience: Vec<_> = found.iter().map(|plan| plan.train.as_ref().unwrap().patience).collect();
    assert_eq!(patience, [None, 3.try_into().ok()]);

    let folder = Folder::with(&[
        ("component.yaml", &format!("name: component{REST}")),
        ("row.yaml", &format!("name: row{}", REST.replace("columns:", "split: { by: row }, columns:"))),
    ]);
    let experiments = folder.load(".", &["data.split.across=words"]).unwrap();
    let by = |index: usize| &experiments[index].plans[0].data.split.by;
    assert_eq!(
        *by(0),
        SplitBy::Component { across: vec!["words".to_owned()], near_duplicates: NearDuplicates::Report }
    );
    assert_eq!(*by(1), SplitBy::Row);
}

#[test]
fn sizes_go_to_models_that_start_from_scratch() {
    let sizes = "{ from: scratch, architecture: { image_size: 32, patch_size: 8, context_length: 9, vocab_size: 600, \
                 vision: { width: 8, layers: 1, heads: 1 }, text: { width: 8, layers: 1, heads: 1 }, \
                 projection_dim: 8 } }";
    let scratch = REST.replace("{ from: . }", sizes);
    let folder = Folder::with(&[
        ("folder.yaml", &format!("name: folder{REST}")),
        ("scratch.yaml", &format!("name: scratch{scratch}{}", train(""))),
    ]);
    let experiments = folder.load(".", &["model.architecture.text.width=16"]).unwrap();
    assert!(matches!(experiments[0].plans[0].model.from, ModelSource::Folder(_)));
    let ModelSource::Scratch(architecture) = &experiments[1].plans[0].model.from else { panic!() };
    assert_eq!(architecture.text.width, 16);
}

#[test]
fn what_has_a_meaning_in_no_experiment_is_told_with_the_reason() {
    let settings = [
        "train.lora.rank=4",
        "train.schedule.cooldown=0.5",
        "train.optimizer.nesterov=true",
        "matrix.train.unlocked_layers=[1, 2]",
        "model.architecture.text.width=16",
        "train.augment.color_jitter.contrast=",
    ];
    insta::assert_snapshot!(load(&[train(""), String::new()], &settings).unwrap_err(), @r"
    error: `lora` has a meaning only with `tune: lora`
     --> --set:1:17
      |
    1 | train.lora.rank=4
      |                 ^ expected `tune: lora`, or no `lora`

    error: `cooldown` has a meaning only with `decay: constant-with-cooldown`
     --> --set:1:25
      |
    1 | train.schedule.cooldown=0.5
      |                         ^^^ expected `decay: constant-with-cooldown`, or no `cooldown`

    error: `nesterov` has a meaning only with `name: sgd`
     --> --set:1:26
      |
    1 | train.optimizer.nesterov=true
      |                          ^^^^ expected `name: sgd`, or no `nesterov`

    error: `unlocked_layers` has a meaning only with `tune: locked-image` or `tune: locked-text`
     --> --set:1:31
      |
    1 | matrix.train.unlocked_layers=[1, 2]
      |                               ^ expected `tune: locked-image` or `tune: locked-text`, or no `unlocked_layers`

    error: no experiment has `model.architecture`
     --> --set:1:1
      |
    1 | model.architecture.text.width=16
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this override changes nothing

    error: no experiment has `train.augment`
     --> --set:1:1
      |
    1 | train.augment.color_jitter.contrast=
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this override changes nothing
    ");
}

#[test]
fn an_override_that_does_nothing_is_not_called_inherited() {
    let settings = ["train.lora.rank=4", "train.unlocked_layers=1"];
    insta::assert_snapshot!(load(&[train("tune: full")], &settings).unwrap_err(), @r"
    error: `lora` has a meaning only with `tune: lora`
     --> --set:1:17
      |
    1 | train.lora.rank=4
      |                 ^ expected `tune: lora`, or no `lora`

    error: `unlocked_layers` has a meaning only with `tune: locked-image` or `tune: locked-text`
     --> --set:1:23
      |
    1 | train.unlocked_layers=1
      |                       ^ expected `tune: locked-image` or `tune: locked-text`, or no `unlocked_layers`
    ");

    let settings = ["train.schedule.warmup=0.5", "train.schedule.warmup_steps=3"];
    insta::assert_snapshot!(load(&[train("")], &settings).unwrap_err(), @r"
    error: `warmup` and `warmup_steps` exclude each other
     --> --set:1:23
      |
    1 | train.schedule.warmup=0.5
      |                       ^^^ expected one of the two
     ::: --set:1:29
      |
    1 | train.schedule.warmup_steps=3
      |                             ^ the other is given here
    ");
}

#[test]
fn what_a_file_says_beside_an_override_is_judged_by_itself() {
    // The file's own map has no meaning, whether or not an override adds to it.
    let idle = train("tune: full, lora: { rank: 2 }");
    let told = load(std::slice::from_ref(&idle), &[]).unwrap_err();
    assert_eq!(load(&[idle, train("tune: lora")], &["train.lora.dropout=0.5"]).unwrap_err(), told);
    // Overrides of one map go to the same experiments.
    let texts = [train(""), train("tune: lora")];
    let experiments = load(&texts, &["train.lora.rank=4", "train.lora.dropout=0.5"]).unwrap();
    let taken: Vec<_> = experiments.iter().map(|one| one.settings.len()).collect();
    assert_eq!(taken, [0, 2]);
}

#[test]
fn resetting_a_key_makes_nothing() {
    let jitter = train("augment: { color_jitter: { contrast: 0.5, brightness: 0.25 } }");
    let found = plans(&[train(""), jitter], &["train.augment.color_jitter.contrast="]);
    assert_eq!(found[0].train.as_ref().unwrap().augment, None);
    let color = found[1].train.as_ref().unwrap().augment.unwrap().color_jitter.unwrap();
    assert_eq!((color.contrast, color.brightness), (0.0, 0.25));

    let adapted = [train("tune: lora, lora: { rank: 2 }")];
    assert_eq!(tune(&plans(&adapted, &["train.tune=full", "train.lora="])[0]), Tune::Full);
    assert_eq!(rank(&plans(&adapted, &["train.lora="])[0]), Some(8));
    insta::assert_snapshot!(load(&adapted, &["train.tune=full"]).unwrap_err(), @r"
    error: `lora` has a meaning only with `tune: lora`
     --> a.yaml:4:92
      |
    4 | …jective: choice, epochs: 3, batch_size: 8, optimizer: { lr: 1e-3 }, tune: lora, lora: { rank: 2 } }
      |                                                                                  ^^^^ expected `tune: lora`, or no `lora`
      = help: one of the two is inherited: drop it with `lora: null`
    ");
}

#[test]
fn an_override_wins_over_another_way_to_say_the_same() {
    let text = "train: { objective: choice, epochs: 1, batch_size: 8, optimizer: { lr: 1 }, schedule: { warmup_steps: 9 } }\n\
                checkpoint: { every_minutes: 1 }\n";
    let plan = &plans(&[text.to_owned()], &["train.schedule.warmup=0.5", "checkpoint.every_steps=7"])[0];
    let Warmup::Share(share) = plan.train.as_ref().unwrap().schedule.warmup else { panic!() };
    assert_eq!(share.get(), 0.5);
    assert_eq!(plan.checkpoint, CheckpointInterval::EverySteps(7.try_into().unwrap()));
}

/// Each run's axes and its rank.
fn points(texts: &[String], settings: &[&str]) -> Vec<String> {
    let point = |plan: &Plan| format!("{} {:?}", serde_json::to_string(&plan.axes).unwrap(), rank(plan));
    plans(texts, settings).iter().map(point).collect()
}

#[test]
fn an_axis_counts_where_it_has_a_meaning() {
    let matrix = "matrix: { train.tune: [full, lora], train.lora.rank: [4, 8] }\n";
    let lora = |rank| format!(r#"{{"train.lora.rank":{rank},"train.tune":"lora"}} Some({rank})"#);
    let full = r#"{"train.tune":"full"} None"#;
    assert_eq!(points(&[train("") + matrix], &[]), [full, &lora(4), &lora(8)]);
    assert_eq!(
        points(&[train("") + matrix], &["train.lora.rank=2"]),
        [full, r#"{"train.tune":"lora"} Some(2)"#]
    );
    let given = train("lora: { rank: 3 }") + "matrix: { train.tune: [full, lora] }\n";
    assert_eq!(points(&[given], &[]), [full, r#"{"train.tune":"lora"} Some(3)"#]);
    assert_eq!(
        points(&[train(""), train("tune: lora"), String::new()], &["matrix.train.lora.rank=[4, 8]"]),
        ["{} None", r#"{"train.lora.rank":4} Some(4)"#, r#"{"train.lora.rank":8} Some(8)"#, "{} None"]
    );
    let meaningless = train("") + "matrix: { train.lora.rank: [4, 8] }\n";
    insta::assert_snapshot!(load(&[meaningless], &[]).unwrap_err(), @r"
    error: `lora` has a meaning only with `tune: lora`
     --> a.yaml:5:29
      |
    5 | matrix: { train.lora.rank: [4, 8] }
      |                             ^ expected `tune: lora`, or no `lora`

    error: `lora` has a meaning only with `tune: lora`
     --> a.yaml:5:32
      |
    5 | matrix: { train.lora.rank: [4, 8] }
      |                                ^ expected `tune: lora`, or no `lora`
    ");
}
