#!/usr/bin/env python3
"""Times training steps of cliptune and of Python's loops in turn, on the same weights, items and order.

Run through `scripts/bench train`, which installs the peers and builds cliptune's side.

CLIP ViT-B/32 at full size with random weights, 8 images with 5 captions of about 20 tokens each, fp32. Every side is a
process of its own that takes a step when it is told to; they are told in turn, so that they meet the same load of the
machine, and never compute at the same time. The first steps of each are not counted; numbers are medians.

    cliptune        each image and text once, texts trimmed, fused AdamW
    transformers    CLIPModel on the batch, texts padded to 77 tokens, torch.optim.AdamW
    tutorial        each image alone with its own texts, 77 tokens, summed loss / 8, torch.optim.AdamW

`--locked` does the same with the image tower locked. `--epoch` times a whole epoch instead, from JPEG files and
strings: drawn cartoons with about four questions each, batches of whole cartoons, the peer through a DataLoader with
two workers.
"""

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import benchmark
from benchmark import TARGET

IMAGES, CHOICES, WORDS = 8, 5, 18
SMALLEST_CONTEST = 50
SAME_LOSS = 1e-3
CHECKPOINTS = 4
PHASES = ("data", "forward", "backward", "optimizer")


def make_model(folder, **parts):
    """A B/32 of random weights as transformers saves it, with the vocabulary of open_clip's package; `parts` of it may differ."""
    import open_clip
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    torch.manual_seed(0)
    config = CLIPConfig(**parts)
    CLIPModel(config).save_pretrained(folder)
    CLIPImageProcessorPil().save_pretrained(folder)
    merges = gzip.open(Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz").read().decode().split("\n")
    merges = merges[1 : 49152 - 256 - 2 + 1]
    letters = [chr(code) for code in bytes_to_unicode()]
    vocabulary = letters + [letter + "</w>" for letter in letters] + ["".join(merge.split()) for merge in merges]
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: row for row, token in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    # Words of one token each, so that the length of a caption is known.
    return [token[:-4] for token in vocabulary if token.endswith("</w>") and token[:-4].isascii() and token[:-4].isalpha()]


def bytes_to_unicode():
    """GPT-2's order of bytes as letters: printable ones first."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return printable + [256 + row for row in range(256 - len(printable))]


def make_epoch(folder, cartoons):
    """Questions about cartoons that `cliptune demo-data` draws, in the order in which both sides see them."""
    import duckdb

    make_model(folder / "model")
    drawn = max(cartoons, SMALLEST_CONTEST)
    subprocess.run([TARGET / "cliptune", "demo-data", folder / "contest", "--cartoons", str(drawn), "--seed", "0"], check=True)
    table = f"'{folder}/contest/contest.parquet'"
    first = f"SELECT DISTINCT contest_number FROM {table} ORDER BY 1 LIMIT {cartoons}"
    rows = duckdb.sql(
        f"SELECT DISTINCT contest_number, filename, caption_choices, label FROM {table} WHERE contest_number IN ({first}) ORDER BY ALL"
    ).fetchall()
    right_first = lambda texts, label: [texts[ord(label) - ord("A")], *texts[: ord(label) - ord("A")], *texts[ord(label) - ord("A") + 1 :]]
    items = [{"image": f"contest/images/{name}", "texts": right_first(texts, label)} for _, name, texts, label in rows]
    whole = len(items) // IMAGES * IMAGES
    batches = [items[row : row + IMAGES] for row in range(0, whole, IMAGES)]
    (folder / "batches.json").write_text(json.dumps(batches))


def make_work(folder, batches):
    """Images of the model's own size, so that no resampling is involved, and captions of 15 to 21 words."""
    import numpy as np
    from PIL import Image

    words = make_model(folder / "model")
    rng, numbers = random.Random(0), np.random.default_rng(0)
    made = []
    for batch in range(batches):
        made.append([])
        for row in range(IMAGES):
            name = f"{batch}-{row}.png"
            Image.fromarray(numbers.integers(0, 256, (224, 224, 3), dtype=np.uint8)).save(folder / name)
            texts = [" ".join(rng.choices(words, k=WORDS + rng.randint(-3, 3))) for _ in range(CHOICES)]
            made[-1].append({"image": name, "texts": texts})
    (folder / "batches.json").write_text(json.dumps(made))


def useful_products(folder, locked):
    """Multiplications and additions of the matrix products that a step cannot do without, the mean over the batches.

    Of every linear layer and of attention, forward and twice that backward, for the tokens that there are and nothing
    for padding; of the last blocks only what reaches the pooled row; nothing for gradients of pixels and token ids.
    """
    from transformers import CLIPConfig, CLIPTokenizer

    config = CLIPConfig.from_pretrained(folder / "model")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "model")

    def tower(sizes, rows):
        width, layers = sizes.hidden_size, sizes.num_hidden_layers
        block = (4 * width * width + 2 * width * sizes.intermediate_size) * rows + 2 * width * rows * rows
        last = 2 * width * width * rows + (2 * width * width + 2 * width * sizes.intermediate_size) + 2 * width * rows
        return (layers - 1) * block + last + width * config.projection_dim

    vision = config.vision_config
    patches = (vision.image_size // vision.patch_size) ** 2
    kernel = 3 * vision.patch_size**2 * vision.hidden_size * patches
    image = 3 * tower(vision, patches + 1) + 2 * kernel
    batches = json.loads((folder / "batches.json").read_text())
    total = 0
    for batch in batches:
        lengths = [len(tokenizer(text).input_ids) for item in batch for text in item["texts"]]
        total += 0 if locked else image * len({item["image"] for item in batch})
        total += sum(3 * tower(config.text_config, length) for length in lengths)
    return 2 * total / len(batches)


class Side:
    """A process that does what it is told, a line at a time, and answers with how long it took."""

    def __init__(self, name, command):
        self.name, self.steps, self.rates, self.checkpoints = name, [], [], []
        environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.ready = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"error: {self.name} ended with {self.process.wait()}")
        return json.loads(line)

    def do(self, what):
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        kept = {"rate": self.rates, "checkpoint": self.checkpoints}.get(what, self.steps)
        kept.append(self.read())

    def peak_memory(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def peer(folder, loop, tune, threads):
    """The Python side: one of the loops, stepped by lines on standard input."""
    import torch
    from PIL import Image
    from torch.nn.functional import cross_entropy
    from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

    torch.set_num_threads(threads)
    model = CLIPModel.from_pretrained(folder / "model")
    model.train()
    processor = CLIPImageProcessorPil.from_pretrained(folder / "model")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "model")
    batches = json.loads((folder / "batches.json").read_text())

    def prepare(batch):
        images = [Image.open(folder / item["image"]).convert("RGB") for item in batch]
        texts = [text for item in batch for text in item["texts"]]
        tokens = tokenizer(texts, padding="max_length", truncation=True, max_length=77, return_tensors="pt")
        return processor(images, return_tensors="pt").pixel_values, dict(tokens)

    prepared = [prepare(batch) for batch in batches[:8]]
    if tune == "locked-image":
        model.vision_model.requires_grad_(False)
        model.visual_projection.requires_grad_(False)
    moving = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    # Matrices decay, tables that are looked up or added do not.
    tables = ("token_embedding.weight", "position_embedding.weight")
    decays = lambda name, weight: weight.dim() > 1 and not name.endswith(tables)
    groups = [
        {"params": [weight for name, weight in moving if decays(name, weight)], "weight_decay": 0.1},
        {"params": [weight for name, weight in moving if not decays(name, weight)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-5, betas=(0.9, 0.98), eps=1e-6)
    labels = torch.zeros(IMAGES, dtype=torch.long)

    def batch_loss(pixels, texts):
        logits = model(pixel_values=pixels, **texts).logits_per_image
        own = logits.view(IMAGES, IMAGES, CHOICES)[torch.arange(IMAGES), torch.arange(IMAGES)]
        return cross_entropy(own, labels)

    def tutorial_loss(pixels, texts):
        total = 0
        for row in range(IMAGES):
            mine = {key: value[row * CHOICES : (row + 1) * CHOICES] for key, value in texts.items()}
            logits = model(pixel_values=pixels[row : row + 1], **mine).logits_per_image
            total = total + cross_entropy(logits, labels[:1])
        return total / IMAGES

    loss_of = {"transformers": batch_loss, "tutorial": tutorial_loss}[loop]
    def step(batch):
        times = [time.perf_counter()]
        lap = lambda: times.append(time.perf_counter())
        optimizer.zero_grad()
        lap()
        loss = loss_of(*batch)
        value = loss.item()
        lap()
        loss.backward()
        lap()
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, 4.605170185988091)
        lap()
        seconds = [after - before for before, after in zip(times, times[1:])]
        return {"loss": value, **dict(zip(PHASES, seconds))}

    # Workers that stay: forked anew for each epoch, they would make the process copy its weights when it changes them.
    loader = torch.utils.data.DataLoader(
        batches, batch_size=None, collate_fn=prepare, num_workers=2, persistent_workers=True
    )

    def epoch():
        begun = time.perf_counter()
        timed = [step(batch) for batch in loader]
        sums = {phase: sum(one[phase] for one in timed) for phase in PHASES}
        sums["data"] += time.perf_counter() - begun - sum(sums.values())
        return {"loss": timed[-1]["loss"], **sums}

    print(json.dumps({}), flush=True)
    for number, line in enumerate(sys.stdin):
        print(json.dumps(epoch() if line.strip() == "epoch" else step(prepared[number % len(prepared)])), flush=True)


def seconds(steps):
    return median(sum(step[phase] for phase in PHASES) for step in steps)


def report(sides, warm_up, items, products):
    ours = seconds(sides[0].steps[warm_up:])
    print(f"{'':14}{'seconds':>9}" + "".join(f"{phase:>10}" for phase in PHASES) + f"{'items/s':>9}{'peak MiB':>10}   ratio")
    for side in sides:
        steps = side.steps[warm_up:]
        phases = "".join(f"{median(step[phase] for step in steps):10.3f}" for phase in PHASES)
        total = seconds(steps)
        print(f"{side.name:14}{total:9.3f}{phases}{items / total:9.2f}{side.peak_memory():10.0f}   {total / ours:.2f} x")
    for side in sides[1:]:
        differences = [abs(a["loss"] - b["loss"]) for a, b in zip(sides[0].steps, side.steps)]
        apart = max(differences)
        print(f"largest difference of a loss over {len(side.steps)} steps, cliptune and {side.name}: {apart:.1e}")
        # Each: a loss that is not a number is no larger than another.
        if not all(difference <= SAME_LOSS for difference in differences):
            sys.exit(f"error: {side.name} computes something else: the losses differ by more than {SAME_LOSS}")
    rate = median(answer["gflops"] for answer in sides[0].rates)
    done = products / ours / 1e9
    # The machine's speed changes from minute to minute: each step is compared with the products measured just before it.
    pairs = zip(sides[0].steps[warm_up:], sides[0].rates[warm_up:])
    share = median(products / seconds([step]) / 1e9 / rate["gflops"] for step, rate in pairs)
    print(f"matrix products: {rate:.0f} GFLOP/s measured, {done:.0f} needed and done: {share:.0%}")


def report_checkpoints(checkpoints):
    first, later = checkpoints[0], checkpoints[1:]
    copy, write = (median(one[phase] for one in later) for phase in ("copy", "write"))
    print(f"checkpoints of {first['mib']} MiB: training waits {first['copy']:.2f} s for the first, {copy:.2f} s for later ones; written in {write:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12, help="steps (or epochs) of each side")
    parser.add_argument("--warm-up", type=int, default=2, help="first ones that are not counted")
    parser.add_argument("--threads", type=int, default=benchmark.cores())
    parser.add_argument("--locked", action="store_true", help="lock the image tower")
    parser.add_argument("--epoch", type=int, metavar="CARTOONS", help="epochs over that many cartoons instead of steps")
    parser.add_argument("--only", nargs="*", default=["transformers", "tutorial"], help="the peers")
    parser.add_argument("--peer", nargs=3, metavar=("FOLDER", "LOOP", "TUNE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        folder, loop, tune = options.peer
        return peer(Path(folder), loop, tune, options.threads)
    with benchmark.room() as folder:
        compare(folder, options)


def compare(folder, options):
    make_epoch(folder, options.epoch) if options.epoch else make_work(folder, min(options.steps, 8))
    tune = "locked-image" if options.locked else "full"
    sides = [Side("cliptune", [TARGET / "examples/time-train", folder, tune, str(options.threads)])]
    for loop in options.only:
        peer_command = [sys.executable, "-B", __file__, "--threads", str(options.threads), "--peer", folder, loop, tune]
        sides.append(Side(loop, peer_command))
    for _ in range(options.steps):
        sides[0].do("rate")
        for side in sides:
            side.do("epoch" if options.epoch else "step")
    batches = len(json.loads((folder / "batches.json").read_text())) if options.epoch else 1
    products = useful_products(folder, options.locked) * batches
    report(sides, options.warm_up, IMAGES * batches, products)
    for _ in range(CHECKPOINTS):
        sides[0].do("checkpoint")
    report_checkpoints(sides[0].checkpoints)
    for side in sides:
        side.close()


if __name__ == "__main__":
    main()
