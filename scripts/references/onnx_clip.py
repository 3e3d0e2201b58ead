#!/usr/bin/env python3
"""Makes crates/onnx/tests/references/: tiny CLIPs and a SigLIP, and what transformers computes with them.

Run with: torch 2.11, transformers 5.23, safetensors 0.8.   onnx_clip.py FOLDER

The sizes are odd on purpose (widths, heads, patches and batches all differ), so that a swapped axis cannot go
unnoticed. Weights are far from their usual small start: attention must be sharp enough to show a wrong mask.
In `legacy` the end of text is the highest id and found as such; in `modern` the start's id is higher, so that the
two rules for the pooled row give different answers. The images of `siglip` are no multiple of its patches.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, PreTrainedModel, SiglipConfig, SiglipModel

CONTEXT, VOCABULARY, PAD, START = 11, 60, 1, 58
LEGACY_EOS = 2
IMAGES = 2


def config(activation: str, eos_token_id: int, text_layers: int, vision_layers: int) -> CLIPConfig:
    text = {
        "vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT, "hidden_size": 16, "intermediate_size": 20,
        "num_attention_heads": 2, "num_hidden_layers": text_layers, "hidden_act": activation,
        "eos_token_id": eos_token_id, "bos_token_id": START, "pad_token_id": PAD,
    }
    vision = {
        "image_size": 20, "patch_size": 4, "hidden_size": 24, "intermediate_size": 28, "num_attention_heads": 3,
        "num_hidden_layers": vision_layers, "hidden_act": activation,
    }
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=10)


def siglip_config() -> SiglipConfig:
    text = {
        "vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT, "hidden_size": 16, "intermediate_size": 20,
        "num_attention_heads": 2, "num_hidden_layers": 2, "projection_size": 24,
    }
    vision = {
        "image_size": 22, "patch_size": 4, "hidden_size": 24, "intermediate_size": 28, "num_attention_heads": 3,
        "num_hidden_layers": 1,
    }
    return SiglipConfig(text_config=text, vision_config=vision)


def model(made: PreTrainedModel, seed: int) -> PreTrainedModel:
    torch.manual_seed(seed)
    made.eval()
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if name == "logit_scale":
                weight.fill_(3.3)
            elif name == "logit_bias":
                weight.fill_(-2.5)
            elif "norm" in name or "layrnorm" in name:
                weight.copy_(torch.randn_like(weight) * 0.2 + (1.0 if name.endswith("weight") else 0.0))
            else:
                fan_in = weight[0].numel() if weight.dim() > 1 else 4
                weight.copy_(torch.randn_like(weight) * (1.6 / fan_in**0.5))
    return made


def batches(end: int) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Ids and attention mask of every case. A text is start, words, end."""
    words = [[7], [3, 44, 21, 9], [12, 12, 50, 2, 33, 8, 40, 5, 19], [30, 6]]
    rows = [[START, *text, end] for text in words]
    right = torch.tensor([row + [PAD] * (CONTEXT - len(row)) for row in rows])
    left = torch.tensor([[PAD] * (CONTEXT - len(row)) + row for row in rows])
    end_padded = torch.tensor([row + [end] * (CONTEXT - len(row)) for row in rows])
    trimmed = right[[0, 1, 3]][:, :6]
    return {
        "right": (right, (right != PAD).long()),
        "right_unmasked": (right, torch.ones_like(right)),
        "left": (left, (left != PAD).long()),
        "end_padded": (end_padded, torch.ones_like(end_padded)),
        "trimmed": (trimmed, torch.ones_like(trimmed)),
        "single": (torch.tensor([rows[0]]), torch.ones(1, len(rows[0]), dtype=torch.long)),
    }


def outputs(clip: CLIPModel, end: int, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    """Inputs and outputs by `<case>.<name>`; text_projected and image_projected are not normalised."""
    with torch.no_grad():
        result = {
            "pixel_values": pixels,
            "image_projected": clip.visual_projection(clip.vision_model(pixel_values=pixels).pooler_output),
        }
        for case, (ids, mask) in batches(end).items():
            both = clip(input_ids=ids, pixel_values=pixels, attention_mask=mask)
            result |= {
                f"{case}.input_ids": ids,
                f"{case}.attention_mask": mask,
                f"{case}.text_embeds": both.text_embeds,
                f"{case}.image_embeds": both.image_embeds,
                f"{case}.logits_per_image": both.logits_per_image,
                f"{case}.logits_per_text": both.logits_per_text,
            }
            if bool(mask.all()):
                result[f"{case}.text_projected"] = clip.text_projection(
                    clip.text_model(input_ids=ids).pooler_output
                )
    return {name: value.clone(memory_format=torch.contiguous_format) for name, value in result.items()}


def siglip_outputs(siglip: SiglipModel, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    """As `outputs`; every text has the full length, and no text needs an end."""
    ids = torch.randint(1, VOCABULARY, (4, CONTEXT))
    ids[1, 3:] = PAD
    ids[2, 7:] = PAD
    with torch.no_grad():
        both = siglip(input_ids=ids, pixel_values=pixels)
        return {
            "pixel_values": pixels,
            "image_projected": siglip.vision_model(pixel_values=pixels).pooler_output,
            "full.input_ids": ids,
            "full.text_projected": siglip.text_model(input_ids=ids).pooler_output,
            "full.text_embeds": both.text_embeds,
            "full.image_embeds": both.image_embeds,
            "full.logits_per_image": both.logits_per_image.contiguous(),
            "full.logits_per_text": both.logits_per_text.contiguous(),
        }


def write_siglip(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    settings = siglip_config()
    siglip = model(SiglipModel(settings), seed)
    settings.save_pretrained(folder)
    save_file(siglip.state_dict(), folder / "model.safetensors")
    save_file(siglip_outputs(siglip, torch.randn(IMAGES, 3, 22, 22)), folder / "outputs.safetensors")


def write(folder: Path, settings: CLIPConfig, end: int, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    clip = model(CLIPModel(settings), seed)
    pixels = torch.randn(IMAGES, 3, 20, 20)
    settings.save_pretrained(folder)
    save_file(clip.state_dict(), folder / "model.safetensors")
    save_file(outputs(clip, end, pixels), folder / "outputs.safetensors")


def main(folder: Path) -> None:
    highest, below_start = VOCABULARY - 1, START - 1
    write(folder / "legacy", config("quick_gelu", LEGACY_EOS, text_layers=2, vision_layers=1), highest, seed=1)
    write(folder / "modern", config("gelu", below_start, text_layers=1, vision_layers=2), below_start, seed=2)
    write_siglip(folder / "siglip", seed=3)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
