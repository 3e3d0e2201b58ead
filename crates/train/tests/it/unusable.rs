//! What a person reads about files that cannot be used.

use std::path::{Path, PathBuf};

use cliptune_clip::checkpoint::WEIGHTS_FILE;
use cliptune_clip::config::CONFIG_FILE;
use cliptune_clip::image::{Fit, Preprocessor};
use cliptune_experiment::Objective;
use cliptune_terminal::{Diagnostic, render};
use cliptune_train::TrainError;
use cliptune_train::start::Start;
use fs_err as fs;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use tch::Device;
use tempfile::TempDir;

use crate::support::{World, go_on, write_model};

/// A model folder that can be used, to be damaged.
struct Model(TempDir);

impl Model {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_model(folder.path());
        Self(folder)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// Changes the configuration.
    fn configured(self, change: impl FnOnce(&mut Value)) -> Self {
        let path = self.path(CONFIG_FILE);
        let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut config);
        fs::write(path, config.to_string()).unwrap();
        self
    }

    /// Rewrites the weights: each tensor becomes what `change` makes of it.
    fn weights(self, change: impl Fn(&str, TensorView<'_>) -> Option<(Dtype, Vec<usize>, Vec<u8>)>) -> Self {
        let path = self.path(WEIGHTS_FILE);
        let data = fs::read(&path).unwrap();
        let kept: Vec<_> = SafeTensors::deserialize(&data)
            .unwrap()
            .iter()
            .filter_map(|(name, view)| Some((name.to_owned(), change(name, view)?)))
            .collect();
        let views = kept.iter().map(|(name, (dtype, shape, data))| {
            (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
        });
        fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
        self
    }

    /// What is printed when it is opened, with the folder's name left out.
    fn refusal(&self) -> String {
        shown(&Start::from_folder(self.0.path(), Device::Cpu).unwrap_err(), self.0.path())
    }
}

/// The whole message without styles and without the temporary folder's name.
fn shown(error: &dyn Diagnostic, folder: &Path) -> String {
    anstream::adapter::strip_str(&render(error)).to_string().replace(&folder.display().to_string(), "FOLDER")
}

fn same(view: &TensorView<'_>) -> Option<(Dtype, Vec<usize>, Vec<u8>)> {
    Some((view.dtype(), view.shape().to_vec(), view.data().to_vec()))
}

#[test]
fn a_whole_model_folder_is_read() {
    let model = Model::new();
    let start = Start::from_folder(model.0.path(), Device::Cpu).unwrap();
    let elements: usize = start.parameters.iter().map(|one| one.tensor.numel()).sum();
    assert_eq!(start.parameters.len(), elements);
}

#[test]
fn half_precision_and_weights_that_the_model_does_not_have_are_no_obstacle() {
    let model = Model::new().weights(|name, view| match name {
        // 1.0 as f16, in a weight that was something else; read as f32.
        "text_projection.weight" => {
            Some((Dtype::F16, view.shape().to_vec(), [0x00, 0x3c].repeat(view.data().len() / 4)))
        }
        _ => same(&view),
    });
    let start = Start::from_folder(model.0.path(), Device::Cpu).unwrap();
    let weight = start.parameters.tensor("text_projection.weight").unwrap();
    assert_eq!(weight.kind(), tch::Kind::Float);
    assert_eq!((weight.min().double_value(&[]), weight.max().double_value(&[])), (1.0, 1.0));
}

#[test]
fn a_missing_weight_is_named() {
    let model = Model::new()
        .weights(|name, view| if name == "visual_projection.weight" { None } else { same(&view) });
    insta::assert_snapshot!(model.refusal(), @r#"
    error: FOLDER/model.safetensors has no tensor visual_projection.weight

    hint: take all files of the folder from one model, as its library saves it
    "#);
}

#[test]
fn a_weight_of_another_shape_is_named_with_both_shapes() {
    let model = Model::new().configured(|config| config["projection_dim"] = 7.into());
    insta::assert_snapshot!(model.refusal(), @r#"
    error: FOLDER/model.safetensors: tensor text_projection.weight has shape [6, 8], the configuration says [7, 8]

    hint: take all files of the folder from one model, as its library saves it
    "#);
}

#[test]
fn a_weight_that_is_not_a_float_is_named_with_its_type() {
    let model = Model::new().weights(|name, view| match name {
        "logit_scale" => Some((Dtype::I32, vec![], vec![1, 0, 0, 0])),
        _ => same(&view),
    });
    insta::assert_snapshot!(model.refusal(), @r#"
    error: FOLDER/model.safetensors: tensor logit_scale is of type I32, not a float

    hint: take all files of the folder from one model, as its library saves it
    "#);
}

#[test]
fn truncated_weights_are_refused_wherever_they_end() {
    let model = Model::new();
    let path = model.path(WEIGHTS_FILE);
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(997).chain([7, 8, 9, whole.len() - 1]) {
        fs::write(&path, &whole[..length]).unwrap();
        let refusal = model.refusal();
        let start = "error: FOLDER/model.safetensors is not a usable safetensors file: ";
        assert!(refusal.starts_with(start), "{length} bytes: {refusal}");
    }
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    insta::assert_snapshot!(model.refusal(), @r#"
    error: FOLDER/model.safetensors is not a usable safetensors file: it has 20250 bytes where its header says 40500

    hint: get it again; a file of some 130 bytes is a Git LFS pointer: `git lfs pull` gets what it points to
    "#);
}

#[test]
fn a_pointer_in_place_of_weights_says_how_to_get_them() {
    let model = Model::new();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 605157884\n";
    fs::write(model.path(WEIGHTS_FILE), pointer).unwrap();
    insta::assert_snapshot!(model.refusal(), @r#"
    error: FOLDER/model.safetensors is not a usable safetensors file: its header would have 2336927755350992246 bytes

    hint: get it again; a file of some 130 bytes is a Git LFS pointer: `git lfs pull` gets what it points to
    "#);
}

#[test]
fn missing_weights_are_named() {
    let model = Model::new();
    fs::remove_file(model.path(WEIGHTS_FILE)).unwrap();
    insta::assert_snapshot!(model.refusal(), @r#"
    error: FOLDER is not a model folder: it has no weights

    hint: a model folder holds config.json, model.safetensors, tokenizer.json and preprocessor_config.json (or processor_config.json) as transformers saves them, or open_clip_config.json and open_clip_model.safetensors as open_clip does
    "#);
}

#[test]
fn a_configuration_of_another_kind_of_model_is_refused() {
    let model = Model::new().configured(|config| config["model_type"] = "bert".into());
    insta::assert_snapshot!(model.refusal(), @r#"
    error: cannot use the model in FOLDER
      caused by: FOLDER/config.json is not a configuration that can be used: model_type is "bert", expected "clip" or "siglip"
    "#);
}

#[test]
fn preprocessing_for_another_size_is_refused() {
    let model = Model::new();
    Preprocessor::openai(24, Fit::Crop).save(model.0.path()).unwrap();
    insta::assert_snapshot!(model.refusal(), @r#"
    error: the files in FOLDER do not belong together: images are resized to 24 pixels, but the model takes 12

    hint: take all files of the folder from one model, as its library saves it
    "#);
}

#[test]
fn a_tokenizer_with_more_tokens_than_the_model_is_refused() {
    let model = Model::new().configured(|config| config["text_config"]["vocab_size"] = 599.into()).weights(
        |name, view| match name {
            "text_model.embeddings.token_embedding.weight" => {
                Some((Dtype::F32, vec![599, 8], view.data()[..599 * 8 * 4].to_vec()))
            }
            _ => same(&view),
        },
    );
    insta::assert_snapshot!(model.refusal(), @r#"
    error: the files in FOLDER do not belong together: the tokenizer has 600 tokens, but the model has 599

    hint: take all files of the folder from one model, as its library saves it
    "#);
}

#[test]
fn a_text_tower_that_looks_for_another_end_of_text_is_refused() {
    let model = Model::new().configured(|config| config["text_config"]["eos_token_id"] = 598.into());
    insta::assert_snapshot!(model.refusal(), @r#"
    error: the files in FOLDER do not belong together: the tokenizer ends a text with token 599, but the model looks for 598

    hint: take all files of the folder from one model, as its library saves it
    "#);
}

/// A run that was interrupted after its fourth step.
fn interrupted() -> World {
    let world = World::new(Objective::Choice);
    let after_step = |event: &cliptune_store::Event| match event {
        cliptune_store::Event::Step { step: 4, .. } => std::ops::ControlFlow::Break(()),
        _ => std::ops::ControlFlow::Continue(()),
    };
    world.run(&after_step).unwrap();
    world
}

/// Continues a run whose checkpoint is `data`; what is printed.
fn continued(world: &World, data: &[u8]) -> String {
    fs::write(world.checkpoints().last_file(), data).unwrap();
    let error: TrainError = world.run(&go_on).unwrap_err();
    shown(&error, world.path())
}

#[test]
fn a_truncated_checkpoint_is_refused_wherever_it_ends() {
    let world = interrupted();
    let whole = fs::read(world.checkpoints().last_file()).unwrap();
    let logged = world.events();
    for length in (0..whole.len()).step_by(1999).chain([7, 8, 9, whole.len() - 1]) {
        let refusal = continued(&world, &whole[..length]);
        let start = "error: cannot continue from the checkpoint FOLDER/checkpoint/last.safetensors\n";
        assert!(refusal.starts_with(start), "{length} bytes: {refusal}");
    }
    // Nothing was trained meanwhile, and the whole file still works.
    assert_eq!(world.events(), logged);
    insta::assert_snapshot!(continued(&world, &whole[..whole.len() / 2]), @r#"
    error: cannot continue from the checkpoint FOLDER/checkpoint/last.safetensors
      caused by: FOLDER/checkpoint/last.safetensors is not a usable safetensors file
      caused by: incomplete metadata, file not fully covered

    hint: the same command trains this run again from its beginning
    "#);
    fs::write(world.checkpoints().last_file(), &whole).unwrap();
    world.run(&go_on).unwrap();
}

/// The checkpoint with another position.
fn with_position(world: &World, position: Option<&str>) -> Vec<u8> {
    let data = fs::read(world.checkpoints().last_file()).unwrap();
    let file = SafeTensors::deserialize(&data).unwrap();
    let note = position.map(|position| [("cliptune.position".to_owned(), position.to_owned())].into());
    // Without the checksum at its end, it is a checkpoint as earlier versions wrote it.
    safetensors::serialize(file.iter().filter(|(name, _)| *name != "~crc32c"), note).unwrap()
}

#[test]
fn a_checkpoint_of_an_earlier_version_has_no_checksum_and_can_be_continued() {
    let world = interrupted();
    let data = fs::read(world.checkpoints().last_file()).unwrap();
    let (_, header) = SafeTensors::read_metadata(&data).unwrap();
    let position = header.metadata().as_ref().unwrap()["cliptune.position"].clone();
    let data = with_position(&world, Some(&position));
    fs::write(world.checkpoints().last_file(), data).unwrap();
    world.run(&go_on).unwrap();
}

#[test]
fn a_checkpoint_with_a_changed_bit_is_refused_wherever_it_is() {
    let world = interrupted();
    let whole = fs::read(world.checkpoints().last_file()).unwrap();
    for at in (0..whole.len()).step_by(997).chain([whole.len() - 1]) {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        let refusal = continued(&world, &changed);
        let start = "error: cannot continue from the checkpoint FOLDER/checkpoint/last.safetensors\n";
        assert!(refusal.starts_with(start), "byte {at}: {refusal}");
    }
}

#[test]
fn a_checkpoint_without_a_position_is_refused() {
    let world = interrupted();
    let data = with_position(&world, None);
    insta::assert_snapshot!(continued(&world, &data), @r#"
    error: cannot continue from the checkpoint FOLDER/checkpoint/last.safetensors
      caused by: it does not say how far the run has come

    hint: the same command trains this run again from its beginning
    "#);
}

#[test]
fn a_checkpoint_whose_position_cannot_be_read_is_refused() {
    let world = interrupted();
    let data = with_position(&world, Some("{\"epochs\": -1}"));
    insta::assert_snapshot!(continued(&world, &data), @r#"
    error: cannot continue from the checkpoint FOLDER/checkpoint/last.safetensors
      caused by: invalid value: integer `-1`, expected usize at line 1 column 13

    hint: the same command trains this run again from its beginning
    "#);
}

#[test]
fn a_checkpoint_outside_of_the_run_is_refused() {
    let world = interrupted();
    for (epochs, steps_of_epoch, steps) in
        [(3, 0, 9), (1, 4, 7), (1, 1, 5), (usize::MAX, usize::MAX, usize::MAX), (0, 0, 1)]
    {
        let position = format!(
            r#"{{"epochs": {epochs}, "steps_of_epoch": {steps_of_epoch}, "steps": {steps}, "best": null, "seconds": 1.0}}"#
        );
        let data = with_position(&world, Some(&position));
        let refusal = continued(&world, &data);
        assert!(
            refusal.contains(
                "caused by: its position is outside of this run
"
            ),
            "{refusal}"
        );
    }
}

#[test]
fn a_checkpoint_of_another_way_of_tuning_is_refused() {
    let world = interrupted();
    let locked = World::new(Objective::Choice).tuning(cliptune_experiment::Tune::Projections);
    locked.run(&go_on).unwrap();
    let data = fs::read(locked.checkpoints().last_file()).unwrap();
    insta::assert_snapshot!(continued(&world, &data), @r#"
    error: cannot continue from the checkpoint FOLDER/checkpoint/last.safetensors
      caused by: FOLDER/checkpoint/last.safetensors: weight text_model.embeddings.token_embedding.weight is missing

    hint: the same command trains this run again from its beginning
    "#);
}
