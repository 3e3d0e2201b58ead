//! The model card of a run.

use cliptune_exchange::export::Format;
use cliptune_store::Run;
use fs_err as fs;
use serde_json::Value;

use crate::support::{World, texts};

/// The configuration of a small CLIP, as a run's model has it.
const CONFIG: &str = r#"{
  "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 128, "logit_scale_init_value": 1.5,
  "text_config": {
    "vocab_size": 2048, "max_position_embeddings": 48, "eos_token_id": 2047, "bos_token_id": 2046, "pad_token_id": 2047,
    "hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 512,
    "hidden_act": "quick_gelu", "layer_norm_eps": 0.00001, "projection_dim": 128
  },
  "vision_config": {
    "image_size": 72, "patch_size": 12, "num_channels": 3, "hidden_size": 128, "num_hidden_layers": 4,
    "num_attention_heads": 4, "intermediate_size": 512, "hidden_act": "quick_gelu", "layer_norm_eps": 0.00001,
    "projection_dim": 128
  }
}"#;

fn give_model(run: &Run) {
    fs::create_dir_all(run.model_folder()).unwrap();
    fs::write(run.model_folder().join("config.json"), CONFIG).unwrap();
}

/// Returns the card of the first run, whose name in the store is left out of it.
fn card(world: &World) -> String {
    let run = &world.runs[0];
    give_model(run);
    let exported = world.export(&world.runs[..1], Format::ModelCard, "out").unwrap();
    assert_eq!(texts(&exported.files), ["README.md"]);
    world.read("out/README.md")
}

fn metadata(card: &str) -> Value {
    let (metadata, _) = card.strip_prefix("---\n").unwrap().split_once("\n---\n").unwrap();
    serde_yaml::from_str(metadata).unwrap()
}

#[test]
fn a_card_says_what_the_model_is_how_good_it_is_and_how_it_is_used() {
    insta::assert_snapshot!("card", card(&World::new()));
}

#[test]
fn the_metadata_has_the_scores_with_their_intervals_to_the_bit() {
    let metadata = metadata(&card(&World::new()));
    assert_eq!(metadata["base_model"], "openai/clip");
    assert!(metadata.get("license").is_none(), "only the author knows the licence");
    let results = metadata["model-index"][0]["results"].as_array().unwrap();
    let splits: Vec<&Value> = results.iter().map(|result| &result["dataset"]["split"]).collect();
    assert_eq!(splits, ["test", "validation"]);
    assert_eq!(results[0]["dataset"]["name"], "table.parquet", "and no path of this machine");
    let metrics = results[0]["metrics"].as_array().unwrap();
    let names: Vec<&Value> = metrics.iter().map(|metric| &metric["type"]).collect();
    assert_eq!(names, ["accuracy", "nll"], "what is no number is no result");
    assert_eq!(metrics[0]["value"], 0.1 + 0.2);
    assert_eq!(metrics[0]["args"]["low"], 0.1 + 0.2 - 0.1);
    assert_eq!(metrics[0]["args"]["chance"], 0.2);
    assert_eq!(metrics[0]["name"], "accuracy (95 % interval 0.200 to 0.400)");
}

#[test]
fn a_card_names_no_path_and_no_machine() {
    let world = World::new();
    let card = card(&world);
    assert!(!card.contains(world.path("").to_str().unwrap()), "{card}");
    assert!(!card.contains("host"), "{card}");
}

#[test]
fn a_run_without_scores_says_so_and_one_without_a_model_has_no_card() {
    let world = World::new();
    give_model(&world.runs[3]);
    let exported = world.export(&world.runs[3..], Format::ModelCard, "out").unwrap();
    assert_eq!(exported.without_scores, [world.runs[3].id()]);
    let card = world.read("out/README.md");
    assert!(card.contains("Not scored"), "{card}");
    assert!(metadata(&card).get("model-index").is_none());
    let error = world.export(&world.runs[2..3], Format::ModelCard, "failed").unwrap_err();
    assert!(error.to_string().ends_with("has no model that a card could be about"), "{error}");
    assert!(!world.path("failed").exists());
}
