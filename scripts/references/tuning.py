#!/usr/bin/env python3
"""Makes crates/train/tests/references/tuning.json: what PyTorch makes of the ways to tune.

    pip install torch==2.11.0 transformers==5.23.0 safetensors==0.8.0 numpy==2.4.6
    python scripts/references/tuning.py

The model, the items and the order of the batches are those of train.py, and so is the way: everything in double
precision and item by item. A case is a plan as cliptune records it, the loss and the gradient norm of every update,
the validation loss after training, and for every weight the mean and the root mean square of how far it moved.
"""

import json
import math

import torch
import train as base
from torch.nn.functional import log_softmax
from train import FOLDER, Task, new_model

PLAN = {"objective": "choice"} | base.PLAN
ADAM = {"name": "adam", "lr": 2e-3, "weight_decay": 0.05, "layer_decay": 1.0, "betas": [0.9, 0.999], "eps": 1e-8}
SGD = {"name": "sgd", "lr": 2e-2, "weight_decay": 0.05, "layer_decay": 1.0, "momentum": 0.0, "nesterov": False}

CASES = {
    "adam": {"optimizer": ADAM},
    "sgd": {"optimizer": SGD},
    "sgd-momentum": {"optimizer": SGD | {"momentum": 0.9}},
    "sgd-nesterov": {"optimizer": SGD | {"momentum": 0.9, "nesterov": True}},
    "layer-decay": {"optimizer": PLAN["optimizer"] | {"layer_decay": 0.6}},
    "linear": {"schedule": {"warmup": 0.34, "decay": "linear"}},
    "cooldown": {"schedule": {"warmup_steps": 1, "decay": "constant-with-cooldown", "cooldown": 0.5}},
    "fixed-logit-scale": {"logit_scale": "fixed"},
    "accumulate": {"accumulate": 2},
    "accumulate-contrastive": {"accumulate": 2, "objective": "contrastive"},
    "cached-contrastive": {"objective": "contrastive", "gradient_cache": 2, "gradient_checkpointing": True},
    "smoothed-choice": {"label_smoothing": 0.2},
    "smoothed-contrastive": {"label_smoothing": 0.2, "objective": "contrastive"},
    "choice+contrastive": {"objective": "choice+contrastive", "contrastive_weight": 0.5},
    # The tutorial's loop: Adam, batches of two in the order of the data, the sum of their losses.
    "tutorial": {
        "optimizer": ADAM | {"lr": 1e-4, "weight_decay": 0.0}, "reduction": "sum", "shuffle": False, "batch_size": 2,
        "schedule": {"warmup_steps": 0, "decay": "constant"}, "clip_grad_norm": None,
    },
    "unshuffled-contrastive": {"objective": "contrastive", "shuffle": False},
    "unlocked-image": {"tune": "locked-image", "unlocked_layers": 1},
    "unlocked-text": {"tune": "locked-text", "unlocked_layers": 1},
    "ema": {"ema": 0.8},
    "lora": {"tune": "lora", "logit_scale": "fixed", "lora": {"rank": 2, "alpha": 1.0, "dropout": 0.0, "targets": ["q", "v"]}},
    "lora-everywhere": {
        "tune": "lora", "logit_scale": "fixed", "ema": 0.7,
        "lora": {"rank": 3, "alpha": 6.0, "dropout": 0.0, "targets": ["q", "k", "v", "out", "mlp"]},
        "optimizer": PLAN["optimizer"] | {"layer_decay": 0.5},
    },
}
TARGETS = {"q": ["q_proj"], "k": ["k_proj"], "v": ["v_proj"], "out": ["out_proj"], "mlp": ["fc1", "fc2"]}


def cross_entropy(logits, label, smoothing):
    """Of one row. A logit of -inf is no candidate."""
    log_probabilities = log_softmax(logits[torch.isfinite(logits)], -1)
    right = log_softmax(logits, -1)[label]
    return -(1 - smoothing) * right - smoothing * log_probabilities.mean()


def choice(task, model, items, smoothing):
    rows = [task.forward(model, [one["image"]], one["texts"]).logits_per_image[0] for one in items]
    return torch.stack([cross_entropy(row, one["label"], smoothing) for row, one in zip(rows, items)]).mean()


def contrastive(task, model, items, smoothing):
    right = [one["texts"][one["label"]] for one in items]
    logits = task.forward(model, [one["image"] for one in items], right).logits_per_image
    true = [[base.is_true(a, b) and i != j for j, b in enumerate(items)] for i, a in enumerate(items)]
    logits = logits.masked_fill(torch.tensor(true), -torch.inf)
    rows = [cross_entropy(row, n, smoothing) for table in (logits, logits.T) for n, row in enumerate(table)]
    return torch.stack(rows).mean()


def loss_of(task, model, plan, items, smoothing):
    objective = plan["objective"]
    if objective == "contrastive":
        return contrastive(task, model, items, smoothing)
    loss = choice(task, model, items, smoothing)
    if objective == "choice+contrastive":
        loss = loss + plan["contrastive_weight"] * contrastive(task, model, items, smoothing)
    return loss


def batches(plan):
    """By epoch."""
    if not plan["shuffle"]:
        size = plan["batch_size"]
        epoch = [list(range(n, min(n + size, len(base.TRAIN)))) for n in range(0, len(base.TRAIN), size)]
        return [epoch] * plan["epochs"]
    order = base.BATCHES["contrastive" if plan["objective"] == "contrastive" else "choice"]
    each = len(order) // plan["epochs"]
    return [order[n : n + each] for n in range(0, len(order), each)]


def depth(name):
    """Layers between a weight and its tower's output."""
    layers = 1 if name.startswith("vision_model") else 2
    if "encoder.layers." in name:
        return layers - int(name.split("encoder.layers.")[1].split(".")[0])
    return layers + 1 if "embeddings" in name or "pre_layrnorm" in name else 0


def moves(plan, name):
    image = name.startswith("vision_model.") or name == "visual_projection.weight"
    if name == "logit_scale":
        return plan["logit_scale"] == "learned"
    unlocked = depth(name) <= plan.get("unlocked_layers", 0)
    return {"full": True, "lora": False, "locked-image": not image or unlocked, "locked-text": image or unlocked}[plan["tune"]]


class Adapter(torch.nn.Module):
    """W·x + alpha/rank · B·A·x. A has other numbers than those that are drawn, and the same in both languages."""

    def __init__(self, linear, lora):
        super().__init__()
        self.linear, self.scale = linear, lora["alpha"] / lora["rank"]
        shape = (lora["rank"], linear.in_features)
        numbers = torch.sin(7 * torch.arange(shape[0] * shape[1]).double() + 1).float().double()
        self.lora_A = torch.nn.Parameter((0.3 * numbers).reshape(shape))
        self.lora_B = torch.nn.Parameter(torch.zeros(linear.out_features, lora["rank"], dtype=torch.double))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.lora_A.T @ self.lora_B.T)

    def merged(self):
        return self.linear.weight + self.scale * self.lora_B @ self.lora_A


def adapt(model, lora):
    """The adapters by the name of the module that they replace."""
    names = [suffix for target in lora["targets"] for suffix in TARGETS[target]]
    adapters = {}
    for name, module in list(model.named_modules()):
        parent, _, last = name.rpartition(".")
        if "encoder.layers." in name and last in names:
            adapters[name] = Adapter(module, lora)
            setattr(model.get_submodule(parent), last, adapters[name])
    return adapters


def is_matrix(name, weight):
    return weight.dim() > 1 and "_embedding." not in name.replace("patch_embedding", "patch")


def make_optimizer(plan, named):
    settings = plan["optimizer"]
    groups = [
        {
            "params": [weight], "factor": settings["layer_decay"] ** depth(name),
            "weight_decay": settings["weight_decay"] if is_matrix(name, weight) else 0.0,
        }
        for name, weight in named
    ]
    if settings["name"] == "sgd":
        return torch.optim.SGD(groups, lr=1.0, momentum=settings["momentum"], nesterov=settings["nesterov"])
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings["name"]]
    return kind(groups, lr=1.0, betas=tuple(settings["betas"]), eps=settings["eps"])


def factor(schedule, step, steps):
    """Of the peak learning rate; `step` counts from 0."""
    warmup = schedule["warmup_steps"] if "warmup_steps" in schedule else round(schedule["warmup"] * steps)
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / (steps - warmup)
    if schedule["decay"] == "constant-with-cooldown":
        start = steps - round(schedule["cooldown"] * steps)
        return 1.0 if step < start else 1 - (step - start) / (steps - start)
    return {"cosine": 0.5 * (1 + math.cos(math.pi * progress)), "linear": 1 - progress, "constant": 1.0}[schedule["decay"]]


def update(task, model, plan, named, optimizer, chosen):
    """The gradient of some batches, each of whose items counts the same; their mean loss and its norm."""
    optimizer.zero_grad()
    items = sum(map(len, chosen))
    total = 0.0
    for batch in chosen:
        loss = loss_of(task, model, plan, [base.TRAIN[at] for at in batch], plan["label_smoothing"])
        share = len(batch) / items
        (loss * (share if plan["reduction"] == "mean" else len(batch))).backward()
        total += share * loss.item()
    limit = plan["clip_grad_norm"] or math.inf
    return total, torch.nn.utils.clip_grad_norm_([weight for _, weight in named], limit).item()


def validation_loss(task, model, plan):
    size = plan["batch_size"]
    order = [1, 3, 0, 2, 4] if plan["objective"] != "contrastive" else [4, 0, 1, 3]
    parts = [[base.VALIDATION[at] for at in order[n : n + size]] for n in range(0, len(order), size)]
    with torch.no_grad():
        return sum(len(part) * loss_of(task, model, plan, part, 0.0).item() for part in parts) / len(order)


def run(task, changes):
    plan = PLAN | changes
    model = new_model().double()
    weights = dict(model.named_parameters())
    start = {name: weight.detach().clone() for name, weight in weights.items()}
    named = [(name, weight) for name, weight in weights.items() if moves(plan, name)]
    adapters = adapt(model, plan["lora"]) if plan["tune"] == "lora" else {}
    for name, adapter in adapters.items():
        named += [(f"{name}.lora_A", adapter.lora_A), (f"{name}.lora_B", adapter.lora_B)]
    average = [weight.detach().clone() for _, weight in named]
    optimizer = make_optimizer(plan, named)
    groups = [epoch[n : n + plan["accumulate"]] for epoch in batches(plan) for n in range(0, len(epoch), plan["accumulate"])]
    steps = []
    for step, chosen in enumerate(groups):
        rate = plan["optimizer"]["lr"] * factor(plan["schedule"], step, len(groups))
        loss, norm = update(task, model, plan, named, optimizer, chosen)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        optimizer.step()
        with torch.no_grad():
            if plan["logit_scale"] == "learned":
                model.logit_scale.clamp_(0, base.LARGEST_LOGIT_SCALE)
            for kept, (_, weight) in zip(average, named):
                kept.lerp_(weight, 1 - (plan["ema"] or 0))
        steps.append({"loss": short(loss), "learning_rate": short(rate), "grad_norm": short(norm)})
    with torch.no_grad():
        for kept, (_, weight) in zip(average, named):
            weight.copy_(kept)
    merged = {f"{name}.weight": adapter.merged() for name, adapter in adapters.items()}
    moved = {name: (merged.get(name, weight).detach() - start[name]) for name, weight in weights.items()}
    return {
        "plan": plan, "steps": steps, "validation_loss": validation_loss(task, model, plan),
        "moved": {name: [short(by.mean()), short(by.pow(2).mean().sqrt())] for name, by in sorted(moved.items())},
    }


def short(number):
    return float(f"{number:.9g}")


def main():
    task = Task(base.draw_images())
    cases = {name: run(task, changes) for name, changes in CASES.items()}
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(case)}" for name, case in cases.items())
    (FOLDER / "tuning.json").write_text(f"{{\n{text}\n}}\n")


if __name__ == "__main__":
    main()
