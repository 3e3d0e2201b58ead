//! Graphs that do not go with their run: refused before anything is scored.

use cliptune_encode::EncodeError;
use cliptune_experiment::{Split, TaskKind};
use cliptune_onnx::{FAST_VISION_MODEL_FILE, MODEL_FILE, TEXT_MODEL_FILE, VISION_MODEL_FILE};
use cliptune_store::{Run, read_scores};
use cliptune_terminal::Diagnostic;
use fs_err as fs;

use crate::fixture::Fixture;
use crate::towers::{open, score_split};

const ADVICE: &str = "put the files of model/ and onnx/ back as the run wrote them, or move the run's folder out of the \
                      store and train it again: scores of a model that is fed in another way than it was trained mean \
                      nothing";

/// Scoring a run that was changed; nothing may be scored.
fn refusal(fixture: &Fixture, change: impl FnOnce(&Run)) -> (String, String, Option<String>) {
    let (run, dataset) = fixture.train();
    change(&run);
    let error = score_split(&run, &dataset, Split::Test).unwrap_err();
    assert!(read_scores(&run, Split::Test).unwrap().is_none());
    let folder = run.folder().display().to_string();
    (error.to_string().replace(&folder, "RUN"), error.to_string(), error.hint())
}

fn replace(run: &Run, file: &str, from: &str, to: &str) {
    let path = run.folder().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn preprocessing_that_was_changed_by_hand_is_refused() {
    let (message, _, hint) = refusal(&Fixture::new(TaskKind::Choice), |run| {
        replace(run, "model/preprocessor_config.json", "\"resample\": 3", "\"resample\": 2");
    });
    let json = |interpolation| {
        format!(
            "{{\"size\":8,\"fit\":\"crop\",\"interpolation\":\"{interpolation}\",\
             \"mean\":[0.48145467,0.4578275,0.40821072],\"std\":[0.26862955,0.2613026,0.2757771],\
             \"pipeline\":\"transformers\"}}"
        )
    };
    let (exported, found) = (json("bicubic"), json("bilinear"));
    assert_eq!(
        message,
        format!(
            "RUN/onnx/text_model.onnx was exported with preprocessing {exported}, but RUN/model has {found}"
        )
    );
    assert_eq!(hint.unwrap(), ADVICE);
}

#[test]
fn another_tokenizer_is_refused() {
    let (message, _, hint) = refusal(&Fixture::new(TaskKind::Choice), |run| {
        replace(run, "model/tokenizer_config.json", "\"do_lower_case\": true", "\"do_lower_case\": false");
    });
    let start = "RUN/onnx/text_model.onnx was exported with sha256:tokenizer_config.json ";
    let digests = message.strip_prefix(start).unwrap().split_once(", but RUN/model has ").unwrap();
    assert!(digests.0.len() == 64 && digests.1.len() == 64 && digests.0 != digests.1, "{message}");
    assert_eq!(hint.unwrap(), ADVICE);
}

#[test]
fn another_activation_is_refused() {
    let (message, ..) = refusal(&Fixture::new(TaskKind::Choice), |run| {
        replace(run, "model/config.json", "quick_gelu", "gelu");
    });
    assert_eq!(
        message,
        "RUN/onnx/text_model.onnx was exported with text_activation quick_gelu, but RUN/model has gelu"
    );
}

#[test]
fn weights_of_another_model_are_refused() {
    let fixture = Fixture::new(TaskKind::Choice);
    let (message, ..) = refusal(&fixture, |run| {
        fs::write(run.weights_file(), "no safetensors file").unwrap();
    });
    assert!(
        message.starts_with("RUN/onnx/model.safetensors is not a usable safetensors file: "),
        "{message}"
    );
}

#[test]
fn a_graph_of_another_program_says_what_it_lacks() {
    let (message, _, hint) = refusal(&Fixture::new(TaskKind::Choice), |run| {
        let reference = crate::graphs::reference(VISION_MODEL_FILE);
        fs::copy(reference, run.onnx_folder().join(VISION_MODEL_FILE)).unwrap();
    });
    assert_eq!(message, "RUN/onnx/vision_model.onnx does not say with which family it was exported");
    assert_eq!(
        hint.unwrap(),
        "the export is damaged or of another program: move the run's folder out of the store, and `cliptune run` trains it \
         again"
    );
}

#[test]
fn a_combined_graph_of_another_preparation_is_refused() {
    let (message, ..) = refusal(&Fixture::new(TaskKind::Choice), |run| {
        fs::copy(crate::graphs::reference(MODEL_FILE), run.onnx_folder().join(MODEL_FILE)).unwrap();
    });
    assert_eq!(message, "RUN/onnx/model.onnx does not say with which family it was exported");
}

#[test]
fn an_image_fit_that_the_plan_does_not_say_is_refused() {
    let fixture = Fixture::with_model(TaskKind::Choice, "{ from: base, image_fit: pad }");
    let (message, whole, hint) = refusal(&fixture, |_| {});
    assert!(message.ends_with(" was planned with image_fit pad, but its model has crop"), "{whole}");
    assert_eq!(hint.unwrap(), ADVICE);
}

#[test]
fn the_fast_vision_tower_is_preferred() {
    let fixture = Fixture::new(TaskKind::Choice);
    let (run, _) = fixture.train();
    let onnx = run.onnx_folder();
    fs::rename(onnx.join(VISION_MODEL_FILE), onnx.join(FAST_VISION_MODEL_FILE)).unwrap();
    assert!(open(&run).is_ok(), "it needs no other");
    // Were the portable one looked at, this would be an error.
    fs::write(onnx.join(VISION_MODEL_FILE), "damaged").unwrap();
    assert!(open(&run).is_ok());
    fs::remove_file(onnx.join(FAST_VISION_MODEL_FILE)).unwrap();
    assert!(matches!(open(&run).unwrap_err(), EncodeError::Onnx(_)));
}

#[test]
fn a_missing_tower_is_named() {
    let (message, ..) = refusal(&Fixture::new(TaskKind::Choice), |run| {
        fs::remove_file(run.onnx_folder().join(TEXT_MODEL_FILE)).unwrap();
    });
    assert_eq!(message, "cannot read RUN/onnx/text_model.onnx");
}
