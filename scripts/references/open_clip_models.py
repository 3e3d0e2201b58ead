#!/usr/bin/env python3
"""Makes crates/clip/tests/references/open_clip/: tiny models as open_clip saves them, and what it computes with them.

    pip install torch==2.11.0 open_clip_torch==3.3.0 timm==1.0.31 safetensors==0.8.0
    python scripts/references/open_clip_models.py

    clip/         CLIP: quick_gelu, the row of the highest id
    custom-text/  CustomTextCLIP: gelu, an end token that is not the highest id, an MLP of another ratio, half precision
    siglip/       CustomTextCLIP around a tower of timm

Each holds open_clip_config.json and open_clip_model.safetensors, written by open_clip, and outputs.safetensors;
choice.safetensors and for SigLIP sigmoid.safetensors are the gradients of the losses, named as the weights are. They are
computed in double precision. No SigLIP of timm is small; a small one is registered here, and config.json says its sizes as
transformers would.

Sizes are odd and weights far from their small start, for the reasons in onnx_clip.py.
"""

import json
from pathlib import Path

import open_clip
import timm.models.vision_transformer as timm_vision
import torch
from open_clip.loss import SigLipLoss
from open_clip.push_to_hf_hub import save_config_for_hf
from safetensors.torch import save_file
from timm.models import register_model
from torch.nn.functional import cross_entropy

FOLDER = Path(__file__).resolve().parents[2] / "crates/clip/tests/references/open_clip"
CONTEXT, VOCABULARY, START, END = 9, 620, 598, 599
IMAGES = 3
SIGLIP_TOWER = "vit_pico_patch4_siglip_22"


@register_model
def vit_pico_patch4_siglip_22(pretrained=False, **kwargs):
    sizes = {
        "img_size": 22, "patch_size": 4, "embed_dim": 24, "depth": 2, "num_heads": 3, "mlp_ratio": 1.5,
        "class_token": False,
    }
    given = {key: kwargs[key] for key in ("num_classes", "global_pool")}
    return timm_vision.VisionTransformer(**sizes, **given)


def clip_config(**more):
    vision = {"image_size": 20, "patch_size": 4, "width": 24, "layers": 1, "head_width": 8}
    text = {"context_length": CONTEXT, "vocab_size": END + 1, "width": 16, "heads": 2, "layers": 2}
    return {"embed_dim": 10, "vision_cfg": vision, "text_cfg": text, **more}


def custom_text_config():
    config = clip_config(custom_text=True)
    config["vision_cfg"] |= {"mlp_ratio": 1.3, "norm_kwargs": {"eps": 1e-6}}
    config["text_cfg"] |= {"vocab_size": VOCABULARY, "pool_type": "eos", "eos_id": END, "act_kwargs": {"approximate": "tanh"}}
    return config


def siglip_config():
    return {
        "embed_dim": 24, "init_logit_bias": -10, "custom_text": True,
        "vision_cfg": {
            "image_size": 22, "timm_model_name": SIGLIP_TOWER, "timm_model_pretrained": False, "timm_pool": "map",
            "timm_proj": "none",
        },
        "text_cfg": {
            "context_length": CONTEXT, "vocab_size": VOCABULARY, "width": 16, "heads": 2, "layers": 1,
            "no_causal_mask": True, "proj_bias": True, "pool_type": "last", "norm_kwargs": {"eps": 1e-6},
        },
    }


# What transformers would call the tower that timm has no name for.
SIGLIP_FOR_TRANSFORMERS = {
    "model_type": "siglip",
    "text_config": {
        "vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT, "hidden_size": 16, "intermediate_size": 64,
        "num_attention_heads": 2, "num_hidden_layers": 1, "hidden_act": "gelu", "projection_size": 24,
    },
    "vision_config": {
        "image_size": 22, "patch_size": 4, "hidden_size": 24, "intermediate_size": 36, "num_attention_heads": 3,
        "num_hidden_layers": 2, "hidden_act": "gelu",
    },
}


def randomise(model):
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name == "logit_scale":
                weight.fill_(3.3)
            elif name == "logit_bias":
                weight.fill_(-2.5)
            elif "norm" in name or "ln_" in name:
                weight.copy_(torch.randn_like(weight) * 0.2 + (1.0 if name.endswith("weight") else 0.0))
            else:
                fan_in = weight[0].numel() if weight.dim() > 1 else 4
                weight.copy_(torch.randn_like(weight) * (1.6 / fan_in**0.5))


def ids(vocabulary):
    """Texts of several lengths; one has the highest id of the vocabulary, which ends it where that is the end token."""
    words = [[7], [3, 44, 521, 9], [12, 12, 50, 2, 333, 8, 40], [30, vocabulary - 1, 5]]
    rows = [[START, *text, END] for text in words]
    return torch.tensor([row + [0] * (CONTEXT - len(row)) for row in rows])


def write(name, config, seed, half=False):
    torch.manual_seed(seed)
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.json"
    file.write_text(json.dumps(config))
    open_clip.add_model_config(file)
    model = open_clip.create_model("model", load_weights=False).eval()
    file.unlink()
    randomise(model)
    if half:
        # Values that half precision has, computed with in single precision.
        model = model.half().float()
    tensors = {name: tensor.half() if half else tensor for name, tensor in model.state_dict().items()}
    save_file(tensors, folder / "open_clip_model.safetensors")
    save_config_for_hf(model, folder / "open_clip_config.json", config)

    pixels = torch.randn(IMAGES, 3, *model.visual.image_size)
    texts = ids(config["text_cfg"]["vocab_size"])
    model, wide = model.double(), pixels.double()
    with torch.no_grad():
        outputs = {
            "pixel_values": pixels,
            "input_ids": texts,
            "image_embeds": model.encode_image(wide, normalize=True),
            "text_embeds": model.encode_text(texts, normalize=True),
            "logits_per_image": model.get_logits(wide, texts)[0],
        }
    save(folder / "outputs.safetensors", outputs)
    # Image n's right text is text n; in `choice` all texts are candidates.
    logits = model.get_logits(wide, texts)[0]
    gradients(model, cross_entropy(logits, torch.arange(IMAGES)), folder / "choice.safetensors")
    if name == "siglip":
        loss = SigLipLoss()(
            model.encode_image(wide, normalize=True), model.encode_text(texts[:IMAGES], normalize=True),
            model.logit_scale.exp(), model.logit_bias,
        )
        gradients(model, loss, folder / "sigmoid.safetensors")


def gradients(model, loss, file):
    model.zero_grad()
    loss.backward()
    save(file, {name: weight.grad for name, weight in model.named_parameters()})


def save(file, tensors):
    single = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    save_file({name: tensor.contiguous() for name, tensor in single.items()}, file)


def main():
    write("clip", clip_config(quick_gelu=True), seed=1)
    write("custom-text", custom_text_config(), seed=2, half=True)
    write("siglip", siglip_config(), seed=3)
    (FOLDER / "siglip/config.json").write_text(json.dumps(SIGLIP_FOR_TRANSFORMERS, indent=2) + "\n")


if __name__ == "__main__":
    main()
