//! `cliptune export`.

use std::collections::BTreeMap;
use std::path::Path;

use fs_err as fs;

use crate::outputs::finished;
use crate::signals::training;
use crate::support::{TestContext, assert_output};

/// Every tensor of a file as its header has it, without where it lies, and its bytes.
pub(crate) fn tensors(path: &Path) -> BTreeMap<String, (serde_json::Value, Vec<u8>)> {
    let file = fs::read(path).unwrap();
    let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let entries: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&file[8..header]).unwrap();
    let tensor = |(name, entry): (String, serde_json::Value)| {
        let at = |end: usize| header + entry["data_offsets"][end].as_u64().unwrap() as usize;
        let data = file[at(0)..at(1)].to_vec();
        (name, (serde_json::json!([entry["dtype"], entry["shape"]]), data))
    };
    entries.into_iter().filter(|(name, _)| name != "__metadata__").map(tensor).collect()
}

#[test]
fn a_run_goes_out_to_open_clip_and_comes_back_the_same() {
    let context = TestContext::empty();
    let store = finished().path("runs");
    let open_clip =
        format!("export tuned/ --store {} --layout open_clip --to out/open_clip", store.display());
    assert_output!(context, context.cliptune(&open_clip), @r"
    exit code: 0
    ----- stdout -----
    out/open_clip
    ");
    let config: serde_json::Value =
        serde_json::from_slice(&fs::read(context.path("out/open_clip/open_clip_config.json")).unwrap())
            .unwrap();
    assert_eq!(config["model_cfg"]["vision_cfg"]["image_size"], 32);
    // A folder goes in as well as a run.
    context.cliptune("export out/open_clip --layout hugging-face --to out/back").succeeded();
    let run = finished().only_run("tuned").join("model/model.safetensors");
    assert!(tensors(&run) == tensors(&context.path("out/back/model.safetensors")));
    // And remembers what it has seen.
    let origin = |folder: &Path| fs::read_to_string(folder.join("origin.json")).unwrap();
    assert_eq!(origin(&context.path("out/back")), origin(run.parent().unwrap()));
    assert_eq!(fs::read_dir(context.path("out")).unwrap().count(), 2);
}

#[test]
fn what_is_there_is_never_overwritten() {
    let context = TestContext::empty();
    context.write("out/notes.txt", "mine");
    let store = finished().path("runs");
    let export = format!("export tuned/ --store {} --layout open_clip --to out", store.display());
    assert_output!(context, context.cliptune(&export), @r"
    exit code: 2
    ----- stderr -----
    error: out is there already

    hint: nothing is ever overwritten: choose another place
    ");
    assert_eq!(fs::read_dir(context.path("out")).unwrap().count(), 1);
}

#[test]
fn what_is_no_model_is_named_and_leaves_nothing() {
    let context = TestContext::empty();
    context.write("folder/config.json", "{}");
    assert_output!(context, context.cliptune("export folder --layout open_clip --to out"), @r#"
    exit code: 1
    ----- stderr -----
    error: folder is not a model folder: it has no weights

    hint: a model folder holds config.json, model.safetensors, tokenizer.json and preprocessor_config.json (or processor_config.json) as transformers saves them, or open_clip_config.json and open_clip_model.safetensors as open_clip does
    "#);
    assert_output!(context, context.cliptune("export tuned --layout open_clip --to out"), @r"
    exit code: 2
    ----- stderr -----
    error: there is no run tuned in [DIR]/runs

    hint: `cliptune ls` lists the runs
    ");
    assert_output!(context, context.cliptune("export tuned --layout onnx --to out"), @r"
    exit code: 2
    ----- stderr -----
    error: invalid value 'onnx' for '--layout <LAYOUT>'
      [possible values: hugging-face, open_clip]

    For more information, try '--help'.
    ");
    let left = fs::read_dir(context.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["folder"]);
}

#[test]
fn a_run_that_is_not_finished_has_no_model() {
    let context = TestContext::new();
    let (mut child, _) = training(&context, "cliptune-train", "");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_output!(context, context.cliptune("export base --layout hugging-face --to out"), @r"
    exit code: 2
    ----- stderr -----
    error: base/[RUN]-s0 has no model: it is crashed

    hint: `cliptune run` or `cliptune train` finishes it
    ");
    assert!(!context.path("out").exists());
}
