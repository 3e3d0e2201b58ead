#!/usr/bin/env python3
"""Makes crates/train/tests/references/classes.json and classes.safetensors: what PyTorch makes of classes.

    pip install torch==2.11.0 transformers==5.23.0 safetensors==0.8.0 numpy==2.4.6
    python scripts/references/classes.py

The model and the images are those of train.py, and so is the way: everything in double precision. A class is the mean
of the normalised embeddings of its prompts, normalised again, as CLIP's zero-shot classifier and open_clip's
`build_zero_shot_classifier` have it; a loss is the cross-entropy over all classes.

    classes.json         classes, templates, the class of each image; logits of all images and classes; the loss over all
                         images, the same with label smoothing, and the contrastive loss of images and classes
    classes.safetensors  gradients of the loss over all images, by weight
"""

import json

import torch
from torch.nn.functional import cross_entropy, normalize
from train import CONTEXT, FOLDER, IMAGES, TOKENIZER, draw_images, new_model, save
from transformers import CLIPTokenizer

CLASSES = ["cat", "dog", "mat", "weather"]
TEMPLATES = ["a {}", "the {} is here", "{}"]
LABELS = [2, 0, 1, 3, 0, 2]


def classifier(model):
    prompts = [template.format(name) for name in CLASSES for template in TEMPLATES]
    tokens = CLIPTokenizer.from_pretrained(TOKENIZER)(
        prompts, padding="max_length", truncation=True, max_length=CONTEXT, return_tensors="pt"
    )
    pooled = model.get_text_features(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
    embeddings = normalize(getattr(pooled, "pooler_output", pooled), dim=-1)
    return normalize(embeddings.reshape(len(CLASSES), len(TEMPLATES), -1).mean(1), dim=-1)


def logits(model, pixels):
    pooled = model.get_image_features(pixel_values=pixels)
    images = normalize(getattr(pooled, "pooler_output", pooled), dim=-1)
    return model.logit_scale.exp() * images @ classifier(model).T


def contrastive(found):
    """Over pairs of an image and its class. Another image's class that equals the own one is no negative."""
    pairs = found[:, LABELS]
    same = torch.tensor([[a == b and i != j for j, b in enumerate(LABELS)] for i, a in enumerate(LABELS)])
    pairs = pairs.masked_fill(same, -torch.inf)
    own = torch.arange(IMAGES)
    return (cross_entropy(pairs, own) + cross_entropy(pairs.T, own)) / 2


def main():
    model = new_model().double()
    found = logits(model, draw_images())
    labels = torch.tensor(LABELS)
    loss = cross_entropy(found, labels)
    loss.backward()
    save("classes", {name: weight.grad for name, weight in model.named_parameters()})
    case = {
        "classes": CLASSES, "templates": TEMPLATES, "labels": LABELS, "logits": found.tolist(), "loss": loss.item(),
        "smoothed": cross_entropy(found, labels, label_smoothing=0.2).item(), "contrastive": contrastive(found).item(),
    }
    (FOLDER / "classes.json").write_text(json.dumps(case, indent=1) + "\n")


if __name__ == "__main__":
    main()
