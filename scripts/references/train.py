#!/usr/bin/env python3
"""Makes crates/train/tests/references/: a tiny CLIP, and what PyTorch makes of it.

    pip install torch==2.11.0 transformers==5.23.0 safetensors==0.8.0 numpy==2.4.6
    python scripts/references/train.py

Everything is computed the long way and in double precision: each item runs through transformers' `CLIPModel` with its
own image and its own texts, padded to the full context. cliptune encodes each image and text of a batch once, trims
the padding and computes in single precision; the numbers must be the same.

    model/                  config.json and model.safetensors as transformers saves them
    images/<n>.png          coloured noise of the model's size, so that no resampling is involved
    forward.safetensors     image_embeds, text_embeds and logits_per_image of all images and texts
    <objective>.safetensors gradients of the loss over all train items, by weight
    <objective>-trained.safetensors  weights after training
    cases.json              texts, items, and for each objective its plan, its losses and what every step saw

The tokenizer is the one of crates/clip/tests/references. The order of the batches is cliptune's; the tests check that
it still is.
"""

import json
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "crates/train/tests/references"
TOKENIZER = ROOT / "crates/clip/tests/references/tokenizer"

CONTEXT, IMAGE_SIZE, IMAGES = 9, 12, 6
MEAN = np.array([0.48145466, 0.4578275, 0.40821073])
STD = np.array([0.26862954, 0.26130258, 0.27577711])
LARGEST_LOGIT_SCALE = math.log(100)

TEXTS = [
    "a cat", "the weather is nothing", "I'm sorry", "waiting for the dog to sit", "a", "what they've had",
    "cats and dogs and cats and dogs", "don't", "the mat sat", "it is 3 o'clock", "nobody waits here", "sitting",
]


def item(image, texts, label, group):
    return {"image": image, "texts": texts, "label": label, "group": group}


# Two to four texts each; several items of one image, texts that items share, groups of one and of several items.
TRAIN = [
    item(0, [0, 1, 2], 1, 0), item(0, [3, 4, 0], 0, 0), item(1, [5, 6], 1, 1), item(1, [2, 7, 1, 8], 3, 1),
    item(2, [9, 10, 11], 2, 2), item(3, [1, 3, 5, 7], 0, 3), item(2, [4, 9], 0, 2), item(3, [11, 0, 8], 1, 3),
    item(0, [6, 2, 10, 5], 2, 0), item(3, [8, 4], 1, 4),
]
VALIDATION = [
    item(4, [0, 3, 6, 9], 2, 5), item(5, [1, 4], 0, 6), item(4, [11, 10, 2], 1, 5), item(5, [7, 5, 8], 0, 6),
    item(4, [4, 7], 1, 7),
]

def is_true(image, text):
    """Whether the right text of an item is right for another item of its split that shows the image of `image` or belongs
    to its group: then it is no negative of that image."""
    split = TRAIN if image in TRAIN else VALIDATION
    own = [one for one in split if one["group"] == image["group"] or one["image"] == image["image"]]
    return text["texts"][text["label"]] in [one["texts"][one["label"]] for one in own]


PLAN = {
    "label_smoothing": 0.0, "reduction": "mean", "tune": "full", "logit_scale": "learned",
    "epochs": 2, "batch_size": 4, "accumulate": 1, "gradient_cache": None, "gradient_checkpointing": False, "shuffle": True,
    "augment": None,
    "optimizer": {
        "name": "adamw", "lr": 2e-3, "weight_decay": 0.2, "layer_decay": 1.0, "betas": [0.9, 0.98], "eps": 1e-6,
    },
    "schedule": {"warmup_steps": 2, "decay": "cosine"},
    "clip_grad_norm": 2.0, "ema": None, "precision": "fp32", "deterministic": False, "select": "validation.loss", "patience": None, "interpolate": [],
}
# Indices into TRAIN, step by step over two epochs, for seed 1.
BATCHES = {
    "choice": [[5, 7, 9, 0], [1, 8, 2, 3], [4, 6], [0, 1, 8, 5], [7, 9, 4, 6], [2, 3]],
    "contrastive": [[2, 9, 1, 7], [4, 3, 6, 8], [5, 0], [7, 4, 3, 0], [9, 2, 1, 5], [6, 8]],
}
# Indices into VALIDATION. A contrastive batch of one has no negatives and is left out.
VALIDATION_BATCHES = {
    "choice": [[1, 3, 0, 2], [4]],
    "contrastive": [[4, 0, 1, 3]],
}
SEED = 1


def config():
    text = {
        "vocab_size": 600, "max_position_embeddings": CONTEXT, "hidden_size": 8, "intermediate_size": 20,
        "num_attention_heads": 2, "num_hidden_layers": 2, "hidden_act": "quick_gelu",
        "bos_token_id": 598, "eos_token_id": 599, "pad_token_id": 599,
    }
    vision = {
        "image_size": IMAGE_SIZE, "patch_size": 4, "hidden_size": 12, "intermediate_size": 28,
        "num_attention_heads": 3, "num_hidden_layers": 1, "hidden_act": "quick_gelu",
    }
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=6)


def new_model():
    """Weights far from their usual small start, so that attention is sharp and every weight matters."""
    torch.manual_seed(3)
    model = CLIPModel(config()).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name == "logit_scale":
                weight.fill_(2.0)
            elif "norm" in name or "layrnorm" in name:
                weight.copy_(torch.randn_like(weight) * 0.2 + (1.0 if name.endswith("weight") else 0.0))
            else:
                fan_in = weight[0].numel() if weight.dim() > 1 else 4
                weight.copy_(torch.randn_like(weight) * (1.4 / fan_in**0.5))
    return model


def png(pixels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def draw_images():
    rng = np.random.default_rng(7)
    # Noise alone looks the same to a model; a colour for each image and channel makes them differ.
    noise = rng.integers(0, 64, (IMAGES, IMAGE_SIZE, IMAGE_SIZE, 3))
    images = (noise + rng.integers(0, 192, (IMAGES, 1, 1, 3))).astype(np.uint8)
    (FOLDER / "images").mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(images):
        (FOLDER / f"images/{number}.png").write_bytes(png(pixels))
    return torch.from_numpy(((images / 255 - MEAN) / STD).transpose(0, 3, 1, 2).copy())


class Task:
    """The items, and the losses over some of them."""

    def __init__(self, pixels):
        self.pixels = pixels
        tokens = CLIPTokenizer.from_pretrained(TOKENIZER)(
            TEXTS, padding="max_length", truncation=True, max_length=CONTEXT, return_tensors="pt"
        )
        self.ids, self.mask = tokens["input_ids"], tokens["attention_mask"]

    def forward(self, model, images, texts):
        return model(pixel_values=self.pixels[images], input_ids=self.ids[texts], attention_mask=self.mask[texts])

    def choice(self, model, items):
        losses = []
        for one in items:
            logits = self.forward(model, [one["image"]], one["texts"]).logits_per_image
            losses.append(cross_entropy(logits, torch.tensor([one["label"]])))
        return torch.stack(losses).mean()

    def contrastive(self, model, items):
        right = [one["texts"][one["label"]] for one in items]
        logits = self.forward(model, [one["image"] for one in items], right).logits_per_image
        for row, a in enumerate(items):
            for column, b in enumerate(items):
                if row != column and is_true(a, b):
                    logits = logits.clone()
                    logits[row, column] = -torch.inf
        labels = torch.arange(len(items))
        return (cross_entropy(logits, labels) + cross_entropy(logits.T, labels)) / 2

    def choice_accuracy(self, model, items):
        predicted = [self.forward(model, [o["image"]], o["texts"]).logits_per_image.argmax().item() for o in items]
        return sum(p == o["label"] for p, o in zip(predicted, items)) / len(items)

    def contrastive_accuracy(self, model, items):
        """recall@1 from image to text over all items; any text that is true of the image counts."""
        right = [one["texts"][one["label"]] for one in items]
        nearest = self.forward(model, [o["image"] for o in items], right).logits_per_image.argmax(-1).tolist()
        return sum(is_true(one, items[n]) for one, n in zip(items, nearest)) / len(items)

    def evaluate(self, model, objective):
        loss, accuracy = getattr(self, objective), getattr(self, f"{objective}_accuracy")
        batches = [[VALIDATION[at] for at in batch] for batch in VALIDATION_BATCHES[objective]]
        with torch.no_grad():
            total = sum(len(batch) * loss(model, batch).item() for batch in batches)
            return {
                "batches": VALIDATION_BATCHES[objective],
                "loss": total / sum(map(len, batches)),
                "accuracy": accuracy(model, VALIDATION),
            }


def groups(model):
    """Weight decay for matrices alone: not for embeddings, biases, gains and the temperature."""
    def is_matrix(name, weight):
        return weight.dim() > 1 and "_embedding." not in name.replace("patch_embedding", "patch")

    named = list(model.named_parameters())
    return [
        {"params": [w for n, w in named if is_matrix(n, w)], "weight_decay": PLAN["optimizer"]["weight_decay"]},
        {"params": [w for n, w in named if not is_matrix(n, w)], "weight_decay": 0.0},
    ]


def factor(step, steps):
    """open_clip's `cosine_lr`; `step` counts from 0."""
    warmup = PLAN["schedule"]["warmup_steps"]
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def train(task, objective):
    model = new_model().double()
    settings = PLAN["optimizer"]
    optimizer = torch.optim.AdamW(
        groups(model), lr=settings["lr"], betas=tuple(settings["betas"]), eps=settings["eps"]
    )
    batches = BATCHES[objective]
    validation = [task.evaluate(model, objective)]
    steps = []
    for step, batch in enumerate(batches):
        rate = settings["lr"] * factor(step, len(batches))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss = getattr(task, objective)(model, [TRAIN[at] for at in batch])
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), PLAN["clip_grad_norm"])
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, LARGEST_LOGIT_SCALE)
        steps.append({
            "batch": batch, "loss": loss.item(), "learning_rate": rate, "grad_norm": norm.item(),
            "logit_scale": model.logit_scale.exp().item(),
        })
        if (step + 1) % (len(batches) // PLAN["epochs"]) == 0:
            validation.append(task.evaluate(model, objective))
    save(f"{objective}-trained", dict(model.named_parameters()))
    return {"plan": {"objective": objective} | PLAN, "steps": steps, "validation": validation}


def save(name, tensors):
    single = {key: value.detach().float().contiguous() for key, value in tensors.items()}
    save_file(single, FOLDER / f"{name}.safetensors")


def forward(task):
    model = new_model().double()
    with torch.no_grad():
        both = task.forward(model, list(range(IMAGES)), list(range(len(TEXTS))))
    save("forward", {name: both[name] for name in ("image_embeds", "text_embeds", "logits_per_image")})


def gradients(task, objective):
    model = new_model().double()
    loss = getattr(task, objective)(model, TRAIN)
    loss.backward()
    save(objective, {name: weight.grad for name, weight in model.named_parameters()})
    return loss.item()


def main():
    (FOLDER / "model").mkdir(parents=True, exist_ok=True)
    config().save_pretrained(FOLDER / "model")
    save_file(new_model().state_dict(), FOLDER / "model/model.safetensors")
    task = Task(draw_images())
    forward(task)
    cases = {"seed": SEED, "texts": TEXTS, "train": TRAIN, "validation": VALIDATION}
    for objective in ("choice", "contrastive"):
        cases[objective] = {"loss": gradients(task, objective)} | train(task, objective)
    (FOLDER / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
