//! The model card of a run.

use cliptune_clip::image::{Fit, OPENAI_MEAN, OPENAI_STD, Pipeline, Preprocessor, Resample, WHITE};
use cliptune_exchange::export::Format;
use cliptune_experiment::{Split, Task};
use cliptune_store::{Base, Outcome, Run, RunRecord};
use fs_err as fs;
use serde_json::Value;

use crate::drawn;
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

/// All that google/siglip-base-patch16-224 says of itself.
const SIGLIP: &str = r#"{
  "architectures": ["SiglipModel"], "initializer_factor": 1.0, "model_type": "siglip",
  "text_config": {"model_type": "siglip_text_model"}, "vision_config": {"model_type": "siglip_vision_model"}
}"#;

fn give_model(run: &Run, config: &str) {
    fs::create_dir_all(run.model_folder()).unwrap();
    fs::write(run.model_folder().join("config.json"), config).unwrap();
}

/// Returns the card of the first run, whose name in the store is left out of it.
fn card(world: &World) -> String {
    let run = &world.runs[0];
    give_model(run, CONFIG);
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
    give_model(&world.runs[3], CONFIG);
    let exported = world.export(&world.runs[3..], Format::ModelCard, "out").unwrap();
    assert_eq!(exported.without_scores, [world.runs[3].id()]);
    let card = world.read("out/README.md");
    assert!(card.contains("Not scored"), "{card}");
    assert!(metadata(&card).get("model-index").is_none());
    let error = world.export(&world.runs[2..3], Format::ModelCard, "failed").unwrap_err();
    assert!(error.to_string().ends_with("has no model that a card could be about"), "{error}");
    give_model(&world.runs[0], "{");
    let error = world.export(&world.runs[..1], Format::ModelCard, "failed").unwrap_err();
    assert!(error.to_string().contains("config.json is not a configuration that can be used"), "{error}");
    assert!(!world.path("failed").exists());
}

#[test]
fn a_run_that_started_from_another_one_names_the_model_that_began_it() {
    let world = World::new();
    let before = &world.runs[3];
    let base = Base::Run { run: before.id(), key: before.record().key.clone() };
    let experiment = "third".parse().unwrap();
    let run = RunRecord { experiment, base, ..world.runs[0].record().clone() };
    let run = world.store.create_run(run).unwrap();
    give_model(&run, CONFIG);
    world.export(&[run], Format::ModelCard, "out").unwrap();
    let card = world.read("out/README.md");
    assert_eq!(metadata(&card)["base_model"], "openai/clip");
    assert!(card.contains(", which began as openai/clip"), "{card}");
}

#[test]
fn scores_of_training_items_hold_for_no_others() {
    let world = World::new();
    drawn::score(&world.runs[3], Split::Train, 0.9);
    give_model(&world.runs[3], CONFIG);
    world.export(&world.runs[3..], Format::ModelCard, "out").unwrap();
    let card = world.read("out/README.md");
    assert!(card.contains("of items that the model was trained on, and say nothing about others"), "{card}");
    assert!(!card.contains("hold for data like the above"), "{card}");
}

#[test]
fn random_weights_are_weights_of_nothing() {
    let world = World::new();
    let experiment = "scratch".parse().unwrap();
    let mut run = RunRecord { experiment, base: Base::Scratch, ..world.runs[0].record().clone() };
    run.end.as_mut().unwrap().outcome = Outcome::Done { best_epoch: 0 };
    let run = world.store.create_run(run).unwrap();
    give_model(&run, CONFIG);
    world.export(&[run], Format::ModelCard, "out").unwrap();
    let card = world.read("out/README.md");
    assert!(card.contains(", with random weights: no epoch of the training was better."), "{card}");
}

#[test]
fn the_code_fits_the_family_and_the_kind_of_items() {
    let world = World::new();
    let mut plan = drawn::plans(&world.path(""), "pairs").swap_remove(0);
    plan.data.columns.task = Task::Pairs { text: "caption".to_owned() };
    let run = drawn::run(&world.store, &plan, 7, Some(Outcome::Done { best_epoch: 1 }));
    give_model(&run, SIGLIP);
    world.export(&[run], Format::ModelCard, "out").unwrap();
    let card = world.read("out/README.md");
    for code in [
        "from transformers import AutoImageProcessor, AutoTokenizer, SiglipModel",
        "tokenizer(texts, padding='max_length', truncation=True, return_tensors=\"pt\")",
        // A mask of the padding, which some tokenizers give, changes what a SigLIP answers.
        "model(input_ids=tokens.input_ids, pixel_values=pixels.pixel_values)",
        "model.logit_scale.exp() * of_image @ of_texts.T + model.logit_bias",
        "import { AutoProcessor, AutoTokenizer, SiglipModel, env, load_image } from",
        "processor.image_processor.resample = 1;",
        "AutoImageProcessor.from_pretrained(\"USER/NAME\", backend=\"pil\")",
        "console.log(logits.tolist());",
    ] {
        assert!(card.contains(code), "{code}\n{card}");
    }
    let placeholders = ["MODEL_DIR", "CLASS", "PADDING", "RESULT", "SOFTMAX", "BIAS", "TEXTS", "IMAGE_OPS"];
    for left in placeholders.into_iter().chain(["SQUARED", "RESIZED", "softmax", "do_resize", "pads"]) {
        assert!(!card.contains(left), "{left}\n{card}");
    }
}

#[test]
fn the_code_for_a_model_whose_images_are_padded_pads_them() {
    let world = World::new();
    let preprocessor = Preprocessor {
        size: 72,
        fit: Fit::Pad,
        fill: WHITE,
        resample: Resample::Bicubic,
        mean: OPENAI_MEAN,
        std: OPENAI_STD,
        pipeline: Pipeline::Transformers,
    };
    preprocessor.save(&world.runs[0].model_folder()).unwrap();
    let card = card(&world);
    for code in [
        "from PIL import Image, ImageOps\n",
        "image = Image.open(\"image.jpg\").convert(\"RGB\")\nimage = ImageOps.contain(image, (72, 72), ",
        "Image.Resampling.BICUBIC)\nsquare = Image.new(\"RGB\", (72, 72), (255, 255, 255))\n",
        "processor(images=image, do_resize=False, return_tensors=\"np\")",
        "make squares of 72 × 72 pixels",
    ] {
        assert!(card.contains(code), "{code}\n{card}");
    }
}

#[test]
fn texts_of_strangers_are_no_markup_and_end_no_metadata() {
    let world = World::new();
    let mut plan = drawn::plans(&world.path(""), "hostile").swap_remove(0);
    plan.description = Some("---\n<img src=x> [x](javascript:alert(1)) \u{202e}@someone".to_owned());
    plan.data.metadata.locations = vec![world.path("=a\n---\n\u{1b}[31m<b>.csv").into()];
    let done = Some(Outcome::Done { best_epoch: 1 });
    let run = drawn::run_on(&world.store, &plan, 8, done, "`<b>`\n# a");
    drawn::score(&run, Split::Test, 0.5);
    give_model(&run, CONFIG);
    world.export(&[run], Format::ModelCard, "out").unwrap();
    let card = world.read("out/README.md");
    let (_, body) = card.split_once("\n---\n").unwrap();
    for markup in ["<img", "<b>", "[x](", "\u{202e}", "\u{1b}"] {
        assert!(!body.contains(markup), "{markup:?}\n{card}");
    }
    assert!(!card.contains('\u{1b}'), "{card}");
    let name = &metadata(&card)["model-index"][0]["results"][0]["dataset"]["name"];
    assert!(name.as_str().unwrap().ends_with(".csv"), "{name}");
}
