//! Folders as people have them that are no model folders: each is named for what it is, with the step to one.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use std::path::Path;

use cliptune_clip::ModelFolder;
use cliptune_clip::model_folder::{Found, Place, diagnose, diagnose_names};
use tempfile::TempDir;

/// A folder of these files, which are empty.
fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        write(folder.path(), file, "");
    }
    folder
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

/// What is said of a folder, and the advice, with its own path left out.
fn told(folder: &Path) -> (String, String) {
    let error = ModelFolder::open(folder).unwrap_err();
    let plain = |text: String| {
        let whole = fs_err::canonicalize(folder).unwrap();
        text.replace(&whole.display().to_string(), "DIR").replace(&folder.display().to_string(), "DIR")
    };
    (plain(error.to_string()), plain(error.hint().unwrap()))
}

fn told_of(files: &[&str]) -> (String, String) {
    told(folder(files).path())
}

#[test]
fn an_empty_folder_and_one_without_weights_are_told_what_a_model_folder_holds() {
    let (empty, advice) = told_of(&[]);
    assert_eq!(empty, "DIR is not a model folder: it is empty");
    assert!(advice.contains("config.json, model.safetensors, tokenizer.json"), "{advice}");
    assert_eq!(told_of(&["config.json"]).0, "DIR is not a model folder: it has no weights");
    assert_eq!(told_of(&["model.safetensors"]).0, "DIR is not a model folder: it has no config.json");
    let (renamed, advice) = told_of(&["config.json", "clip.fp16.safetensors"]);
    assert_eq!(renamed, "DIR is not a model folder: its weights are called clip.fp16.safetensors");
    assert_eq!(advice, "rename clip.fp16.safetensors to model.safetensors");
}

#[test]
fn pickles_of_transformers_are_loaded_and_saved_by_transformers() {
    let (told, advice) = told_of(&["config.json", "pytorch_model.bin", "training_args.bin", "optimizer.pt"]);
    assert_eq!(
        told,
        "DIR is not a model folder: its weights are pickled (pytorch_model.bin); only safetensors files are read"
    );
    assert_eq!(
        advice,
        "such files can run code when they are read; convert them once, in Python: \
         `from transformers import AutoModel; AutoModel.from_pretrained(\"DIR\").save_pretrained(\"DIR\")`"
    );
}

#[test]
fn pickled_weights_alone_become_a_file_of_their_library() {
    for (files, target) in [
        (["open_clip_config.json", "open_clip_pytorch_model.bin"], "DIR/open_clip_model.safetensors"),
        (["open_clip_config.json", "epoch_5.pt"], "DIR/open_clip_model.safetensors"),
        (["config.json", "last.ckpt"], "DIR/model.safetensors"),
    ] {
        let (told, advice) = told_of(&files);
        assert!(told.contains(&format!("its weights are pickled ({})", files[1])), "{told}");
        let file = format!("torch.load(\"DIR/{}\", map_location=\"cpu\", weights_only=True)", files[1]);
        assert!(advice.contains(&file) && advice.contains(target), "{advice}");
    }
    let (_, advice) = told_of(&["ViT-B-32.pt"]);
    assert!(advice.contains("open_clip.create_model(name, pretrained=\"DIR/ViT-B-32.pt\")"), "{advice}");
}

#[test]
fn an_adapter_is_merged_with_the_model_that_it_changes() {
    let folder = folder(&["adapter_model.safetensors"]);
    write(
        folder.path(),
        "adapter_config.json",
        r#"{"base_model_name_or_path": "openai/clip-vit-base-patch32"}"#,
    );
    let (told, advice) = told(folder.path());
    assert_eq!(
        told,
        "DIR is not a model folder: it holds a PEFT adapter without the model that the adapter changes, \
         \"openai/clip-vit-base-patch32\""
    );
    let line = "PeftModel.from_pretrained(AutoModel.from_pretrained(\"openai/clip-vit-base-patch32\"), \"DIR\")\
                .merge_and_unload().save_pretrained(\"NEW\")";
    assert!(advice.contains(line), "{advice}");
}

#[test]
fn the_clip_of_a_sentence_transformers_folder_is_pointed_at() {
    let files = ["modules.json", "0_CLIPModel/config.json", "0_CLIPModel/model.safetensors"];
    let (told, advice) = told_of(&files);
    assert_eq!(
        told,
        "DIR is not a model folder: it is a sentence-transformers model, whose CLIP is in 0_CLIPModel"
    );
    assert_eq!(advice, "name that folder: DIR/0_CLIPModel");
    let text = told_of(&["modules.json", "config.json", "1_Pooling/config.json"]);
    assert_eq!(text.0, "DIR is not a model folder: it is a sentence-transformers model without a CLIP");
}

#[test]
fn the_folder_above_a_model_and_one_inside_it_lead_to_it() {
    let cache =
        folder(&["refs/main", "blobs/a", "snapshots/0a1b/config.json", "snapshots/0a1b/model.safetensors"]);
    let (above, advice) = told(cache.path());
    assert_eq!(above, "DIR is not a model folder: the model is further down, in snapshots/0a1b");
    assert_eq!(advice, "name that folder: DIR/snapshots/0a1b");
    let beside = diagnose(&cache.path().join("blobs")).unwrap().unwrap();
    let model = fs_err::canonicalize(cache.path().join("snapshots/0a1b")).unwrap();
    assert_eq!(beside.found, Found::TooLow { model });

    let whole = folder(&["config.json", "model.safetensors", "onnx/model.onnx"]);
    let inside = diagnose(&whole.path().join("onnx")).unwrap().unwrap();
    assert_eq!(inside.found, Found::TooLow { model: fs_err::canonicalize(whole.path()).unwrap() });

    let several = folder(&["a/config.json", "a/model.safetensors", "b/config.json", "b/model.safetensors"]);
    assert_eq!(told(several.path()).1, "name one of them, such as DIR/a");
}

#[test]
fn weights_of_other_frameworks_are_named() {
    for (files, says, advises) in [
        (&["config.json", "tf_model.h5"][..], "its weights are TensorFlow's (tf_model.h5)", "from_tf=True"),
        (
            &["config.json", "flax_model.msgpack"],
            "its weights are Flax's (flax_model.msgpack)",
            "from_flax=True",
        ),
        (
            &["clip-q4.gguf"],
            "its weights are in llama.cpp's format (clip-q4.gguf)",
            "get the safetensors files",
        ),
        (
            &["config.json", "model.onnx"],
            "it holds ONNX graphs alone (model.onnx)",
            "get the safetensors files",
        ),
        (&["model_index.json", "text_encoder/config.json"], "it is a diffusers pipeline", "the whole CLIP"),
    ] {
        let (told, advice) = told_of(files);
        assert!(told.contains(says), "{told}");
        assert!(advice.contains(advises), "{advice}");
    }
}

#[test]
fn links_to_nothing_and_links_in_circles_end_in_a_sentence() {
    let copied = folder(&["config.json"]);
    fs_err::os::unix::fs::symlink("../../blobs/1a", copied.path().join("model.safetensors")).unwrap();
    fs_err::os::unix::fs::symlink("..", copied.path().join("again")).unwrap();
    let (broken, advice) = told(copied.path());
    assert_eq!(
        broken,
        "DIR is not a model folder: its model.safetensors is a link to a file that is not there"
    );
    assert!(advice.contains("cp -rL"), "{advice}");
    let endless = folder(&["config.json"]);
    fs_err::os::unix::fs::symlink("/dev/zero", endless.path().join("model.safetensors")).unwrap();
    assert_eq!(
        told(endless.path()).0,
        "DIR is not a model folder: its model.safetensors is not a regular file"
    );
    let circle = folder(&[]);
    fs_err::os::unix::fs::symlink("config.json", circle.path().join("config.json")).unwrap();
    assert!(told(circle.path()).0.contains("its config.json is a link"));
}

#[test]
fn towers_that_are_not_clips_are_named() {
    let timm = folder(&["model.safetensors"]);
    write(timm.path(), "config.json", r#"{"architecture": "convnext_base", "num_classes": 1000}"#);
    let open_clip = folder(&["open_clip_model.safetensors"]);
    let config = r#"{"model_cfg": {"embed_dim": 8, "vision_cfg": {"timm_model_name": "convnext_base"}, "text_cfg": {}}}"#;
    write(open_clip.path(), "open_clip_config.json", config);
    for (folder, says) in [
        (timm, "describes timm's image tower \"convnext_base\", which comes without a text tower"),
        (
            open_clip,
            "describes a model with timm's image tower \"convnext_base\"; of timm's, only SigLIP's are read",
        ),
    ] {
        let error = ModelFolder::open(folder.path()).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.ends_with(says), "{cause}");
        assert!(error.hint().unwrap().contains("take a CLIP with a vision transformer"));
    }
}

#[test]
fn a_repository_is_converted_into_a_folder() {
    let advice = |names: &[&str]| diagnose_names(names.iter().copied()).advice(&Place::Hub("org/clip"));
    assert_eq!(
        advice(&["config.json", "pytorch_model.bin"]),
        "such files can run code when they are read; convert them once, in Python: \
         `from transformers import AutoModel, AutoProcessor; \
         AutoModel.from_pretrained(\"org/clip\").save_pretrained(\"FOLDER\"); \
         AutoProcessor.from_pretrained(\"org/clip\").save_pretrained(\"FOLDER\")`, and name the folder in place of the id"
    );
    let state = advice(&["open_clip_config.json", "open_clip_pytorch_model.bin"]);
    assert!(state.contains("`hf download org/clip --local-dir FOLDER` first"), "{state}");
    assert!(state.contains("\"FOLDER/open_clip_model.safetensors\""), "{state}");
}
