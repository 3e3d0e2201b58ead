//! The published sizes: their configurations are read, and have as many parameters as their libraries build.
//!
//! ```python
//! from open_clip.factory import get_model_config
//! from open_clip.model import CLIP, CustomTextCLIP
//! config = get_model_config("ViT-bigG-14")
//! kind = CustomTextCLIP if config.pop("custom_text", False) else CLIP
//! with torch.device("meta"):
//!     sum(parameter.numel() for parameter in kind(**config).parameters())   # open_clip_torch 3.3.0, timm 1.0.31
//! ```

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::Layout;
use cliptune_clip::weights::{WeightSpec, weights};
use serde_json::json;

/// The configuration that open_clip's file says.
fn open_clip(model: &serde_json::Value) -> ClipConfig {
    let folder = tempfile::tempdir().unwrap();
    let file = json!({ "model_cfg": model }).to_string();
    fs_err::write(folder.path().join("open_clip_config.json"), file).unwrap();
    ClipConfig::from_folder(folder.path()).unwrap()
}

/// As many parameters in cliptune's list, and in that of open_clip's tensors, as open_clip counts.
fn has(config: &ClipConfig, parameters: usize, name: &str) {
    assert_eq!(weights(config).iter().map(WeightSpec::len).sum::<usize>(), parameters, "{name}");
    let tensors = Layout::of_open_clip(config.family).tensors(config);
    assert_eq!(tensors.iter().map(|tensor| tensor.elements()).sum::<usize>(), parameters, "{name}");
    // What is said about it in transformers' words is the same model.
    let written: ClipConfig = serde_json::from_str(&config.to_json().unwrap()).unwrap();
    assert_eq!((written.vision, written.text), (config.vision.clone(), config.text.clone()), "{name}");
}

#[test]
fn clip_of_every_published_size_has_its_number_of_parameters() {
    let text = |width: usize, heads: usize, layers: usize| json!({ "context_length": 77, "vocab_size": 49408, "width": width, "heads": heads, "layers": layers });
    let models = [
        (
            "ViT-B-32",
            151_277_313,
            json!({ "embed_dim": 512, "text_cfg": text(512, 8, 12),
                "vision_cfg": { "image_size": 224, "layers": 12, "width": 768, "patch_size": 32 } }),
        ),
        (
            "ViT-B-16",
            149_620_737,
            json!({ "embed_dim": 512, "text_cfg": text(512, 8, 12),
                "vision_cfg": { "image_size": 224, "layers": 12, "width": 768, "patch_size": 16 } }),
        ),
        (
            "ViT-L-14",
            427_616_513,
            json!({ "embed_dim": 768, "text_cfg": text(768, 12, 12),
                "vision_cfg": { "image_size": 224, "layers": 24, "width": 1024, "patch_size": 14 } }),
        ),
        (
            "ViT-L-14-336",
            427_944_193,
            json!({ "embed_dim": 768, "text_cfg": text(768, 12, 12),
                "vision_cfg": { "image_size": 336, "layers": 24, "width": 1024, "patch_size": 14 } }),
        ),
        (
            "ViT-H-14",
            986_109_441,
            json!({ "embed_dim": 1024, "text_cfg": text(1024, 16, 24),
                "vision_cfg": { "image_size": 224, "layers": 32, "width": 1280, "head_width": 80, "patch_size": 14 } }),
        ),
        (
            "ViT-g-14",
            1_366_678_273,
            json!({ "embed_dim": 1024, "text_cfg": text(1024, 16, 24),
                "vision_cfg": { "image_size": 224, "layers": 40, "width": 1408, "head_width": 88, "mlp_ratio": 4.3637,
                    "patch_size": 14 } }),
        ),
        (
            "ViT-bigG-14",
            2_539_567_105,
            json!({ "embed_dim": 1280, "text_cfg": text(1280, 20, 32),
                "vision_cfg": { "image_size": 224, "layers": 48, "width": 1664, "head_width": 104, "mlp_ratio": 4.9231,
                    "patch_size": 14 } }),
        ),
    ];
    // Vision and text; open_clip says the width of a head, 64 where it does not.
    let heads = [[12, 8], [12, 8], [16, 12], [16, 12], [16, 16], [16, 16], [16, 20]];
    for ((name, parameters, model), heads) in models.into_iter().zip(heads) {
        let config = open_clip(&model);
        has(&config, parameters, name);
        assert_eq!([config.vision.transformer.heads, config.text.transformer.heads], heads, "{name}");
    }
}

#[test]
fn siglip_of_every_published_size_has_its_number_of_parameters() {
    let so400m = json!({ "width": 1152, "heads": 16, "layers": 27, "mlp_ratio": 3.7362 });
    let models = [
        (
            "ViT-B-16-SigLIP",
            203_155_970,
            (768, 224, "vit_base_patch16_siglip_224"),
            json!({ "vocab_size": 32000, "width": 768, "heads": 12, "layers": 12 }),
        ),
        (
            "ViT-L-16-SigLIP-384",
            652_478_466,
            (1024, 384, "vit_large_patch16_siglip_384"),
            json!({ "vocab_size": 32000, "width": 1024, "heads": 16, "layers": 24 }),
        ),
        ("ViT-SO400M-14-SigLIP-384", 877_960_498, (1152, 384, "vit_so400m_patch14_siglip_384"), {
            let mut text = so400m.clone();
            text["vocab_size"] = json!(32_000);
            text
        }),
        (
            "ViT-B-32-SigLIP2-256",
            376_856_066,
            (768, 256, "vit_base_patch32_siglip_256"),
            json!({ "vocab_size": 256_000, "width": 768, "heads": 12, "layers": 12 }),
        ),
        ("ViT-gopt-16-SigLIP2-384", 1_871_885_426, (1536, 384, "vit_giantopt_patch16_siglip_384"), {
            let mut text = so400m.clone();
            text["vocab_size"] = json!(256_000);
            text
        }),
    ];
    for (name, parameters, (embed_dim, image_size, tower), mut text) in models {
        for (key, value) in [
            ("context_length", json!(64)),
            ("no_causal_mask", json!(true)),
            ("proj_bias", json!(true)),
            ("pool_type", json!("last")),
            ("norm_kwargs", json!({ "eps": 1e-6 })),
        ] {
            text[key] = value;
        }
        let model = json!({
            "embed_dim": embed_dim, "init_logit_bias": -10, "custom_text": true, "text_cfg": text,
            "vision_cfg": { "image_size": image_size, "timm_model_name": tower, "timm_model_pretrained": false,
                "timm_pool": "map", "timm_proj": "none" },
        });
        has(&open_clip(&model), parameters, name);
    }
}

/// The keys that openai/clip-vit-large-patch14-336 and laion/CLIP-ViT-bigG-14 publish, without those that mean nothing.
#[test]
fn the_same_sizes_are_read_from_transformers_files() {
    let large: ClipConfig = serde_json::from_value(json!({
        "model_type": "clip", "projection_dim": 768,
        "text_config": { "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12 },
        "vision_config": { "hidden_size": 1024, "image_size": 336, "intermediate_size": 4096, "num_attention_heads": 16,
            "num_hidden_layers": 24, "patch_size": 14 },
    }))
    .unwrap();
    assert_eq!(weights(&large).iter().map(WeightSpec::len).sum::<usize>(), 427_944_193);
    let giant: ClipConfig = serde_json::from_value(json!({
        "model_type": "clip", "projection_dim": 1280,
        "text_config": { "hidden_act": "gelu", "hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 20,
            "num_hidden_layers": 32 },
        "vision_config": { "hidden_act": "gelu", "hidden_size": 1664, "intermediate_size": 8192,
            "num_attention_heads": 16, "num_hidden_layers": 48, "patch_size": 14 },
    }))
    .unwrap();
    assert_eq!(weights(&giant).iter().map(WeightSpec::len).sum::<usize>(), 2_539_567_105);
}
