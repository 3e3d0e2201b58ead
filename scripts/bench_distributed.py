#!/usr/bin/env python3
"""Times a training step in one process and in two, of cliptune and of PyTorch DDP with transformers, in turn, and what two processes
can do on this machine that know nothing of each other.

Run through `scripts/bench distributed`, which installs the peer and builds cliptune.

CLIP ViT-B/32 at full size with random weights, InfoNCE over a global batch of pairs with texts of about 20 tokens, fp32, AdamW. One process
has one thread on one processor, which decodes images as well; two have a processor each, and half of the batch each. One with half of the
batch tells what of a step does not halve with it. Two that train apart take such steps at the same time, each in a training of its own that
sends nothing, and tell what sharing a machine costs. Every side is started anew in each round and takes the same first steps, of which the
first ones are not counted; then it is ended. Numbers are medians over all counted steps.

    cliptune    `cliptune-train` with torchrun's variables, from the images on, its steps as its event log has them
    PyTorch     CLIPModel in DistributedDataParallel over gloo; embeddings are gathered with their gradient, each rank computes its
                own rows, texts are padded to 77 tokens

What each of two processes sends in a step is half of what the loopback device has sent meanwhile, headers and other programs' traffic
included.
"""

import argparse
import csv
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

import benchmark
from benchmark import TARGET

WANTED, SAME_LOSS, WORDS, VALIDATION = 0.90, 2e-3, 18, 4
SIDES = {"cliptune": "cliptune", "pytorch": "PyTorch DDP with transformers"}
WAYS = ["one", "half", "apart", "two"]

EXPERIMENT = """\
name: pairs
data:
  images: images
  metadata: captions.csv
  join: {{ image: name, metadata: filename }}
  columns: {{ text: caption, id: filename }}
  split: {{ column: split }}
model: {{ from: ./model }}
train:
  objective: contrastive
  epochs: 1
  batch_size: {batch}
  shuffle: false
  optimizer: {{ name: adamw, lr: 1e-5, weight_decay: 0.1 }}
  schedule: {{ warmup_steps: 0, decay: constant }}
  select: last
checkpoint: {{ every_minutes: 600 }}
"""


def make(folder, options):
    """Images of the model's own size, so that no resampling is involved, and captions of 15 to 21 words of one token each."""
    import numpy as np
    from PIL import Image

    from bench_train import make_model

    words = make_model(folder / "model")
    rng, numbers = random.Random(0), np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    with open(folder / "captions.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["filename", "caption", "split"])
        # More steps than are counted: each side is ended while it trains.
        train = options.batch * (options.steps + 2)
        for number in range(train + VALIDATION):
            name = f"{number:05}.png"
            Image.fromarray(numbers.integers(0, 256, (224, 224, 3), dtype=np.uint8)).save(folder / "images" / name)
            caption = " ".join(rng.choices(words, k=WORDS + rng.randint(-3, 3)))
            rows.writerow([name, caption, "train" if number < train else "validation"])
    (folder / "pairs.yaml").write_text(EXPERIMENT.format(batch=options.batch))
    subprocess.run([TARGET / "cliptune", "ingest", "pairs.yaml", "--quiet"], check=True, cwd=folder)


def make_apart(folder, whole, options):
    """A training of half of the batch, of the same images and captions."""
    shutil.copytree(whole, folder)
    (folder / "pairs.yaml").write_text(EXPERIMENT.format(batch=options.batch // 2))


class Member(NamedTuple):
    """A process that is timed: where it trains, on how many pairs in a step, and which one of a group it is."""

    folder: Path
    batch: int
    rank: int
    world: int


def members(folder, way, options):
    if way in ("half", "apart"):
        return [Member(folder / f"apart{number}", options.batch // 2, 0, 1) for number in range(1 if way == "half" else 2)]
    world = {"one": 1, "two": 2}[way]
    return [Member(folder / "whole", options.batch, rank, world) for rank in range(world)]


def environment(rank, world, port):
    """The variables of torchrun on one host, and one thread."""
    numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world, "LOCAL_WORLD_SIZE": world, "MASTER_PORT": port}
    threads = dict.fromkeys(["OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"], "1")
    fixed = {"MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo", **threads}
    return {**os.environ, **fixed, **{name: str(number) for name, number in numbers.items()}}


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def sent():
    """Bytes that the loopback device has sent."""
    lines = Path("/proc/net/dev").read_text().splitlines()
    return next(int(line.split(":")[1].split()[8]) for line in lines if line.strip().startswith("lo:"))


def steps_of(log):
    """The steps in a log: for cliptune its events, for the peer its lines."""
    found = []
    for line in log.read_text().splitlines() if log.exists() else []:
        try:
            event = json.loads(line)
            event = event.get("event", event)
        except json.JSONDecodeError:
            continue  # It is being written.
        if event.get("type") == "step":
            found.append(event)
    return found


def log_of(side, folder):
    """Where a side writes its steps, as soon as it does."""
    if side == "pytorch":
        return folder / "pytorch.jsonl"
    return next(iter(folder.glob("runs/pairs/*/events.jsonl")), folder / "none")


def seconds_of(step, batch):
    return step["seconds_of_step"] if "seconds_of_step" in step else batch / step["items_per_second"]


def start(side, number, member, port, options):
    """Starts a process on a processor of its own."""
    if side == "cliptune":
        command = [TARGET / "cliptune-train", "pairs.yaml", "--quiet"]
    else:
        # Enough of them that whoever trains apart has company until both were timed, as many as there are pairs for.
        steps = (options.steps + 2) * options.batch // member.batch
        numbers = ["--batch", member.batch, "--steps", steps]
        command = [sys.executable, "-B", Path(__file__).resolve(), "--peer", member.folder, *numbers]
    processors = sorted(os.sched_getaffinity(0))
    own = {processors[number % len(processors)]}
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=member.folder,
        env=environment(member.rank, member.world, port),
        preexec_fn=lambda: os.sched_setaffinity(0, own),
    )


def take_steps(folder, side, way, options):
    """Starts a side, lets it take its steps, ends it, and returns the seconds and losses of all steps and the bytes of the counted ones."""
    together = members(folder, way, options)
    batches = {member.folder: member.batch for member in together}
    for one in batches:
        shutil.rmtree(one / "runs/pairs", ignore_errors=True)
        (one / "pytorch.jsonl").unlink(missing_ok=True)
    port = free_port()
    processes = []
    try:
        for number, member in enumerate(together):
            processes.append(start(side, number, member, port, options))
        before = after = None
        while after is None:
            # Looked at first, since a process may end between two looks.
            codes = [process.poll() for process in processes]
            taken = {one: steps_of(log_of(side, one)) for one in batches}
            least = min(map(len, taken.values()))
            if before is None and least >= options.warm_up:
                before = (least, sent())
            if least >= options.steps:
                after = (least, sent())
            elif any(codes) or all(code == 0 for code in codes):
                sys.exit(f"error: {side} has ended after {least} of {options.steps} steps")
            time.sleep(0.02)
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
    traffic = (after[1] - before[1]) / max(after[0] - before[0], 1)
    # Of two that train apart, what they take on average.
    rows = zip(*(steps[: options.steps] for steps in taken.values()), strict=True)
    seconds = [mean(seconds_of(step, batch) for step, batch in zip(row, batches.values(), strict=True)) for row in rows]
    return seconds, [step["loss"] for step in taken[together[0].folder][: options.steps]], traffic


def peer(folder, options):
    """The Python side: one rank of DistributedDataParallel, or a process alone."""
    import torch
    import torch.distributed as dist
    from PIL import Image
    from torch.distributed.nn.functional import all_gather
    from torch.nn.functional import cross_entropy, normalize
    from torch.nn.parallel import DistributedDataParallel
    from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

    torch.set_num_threads(1)
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if world > 1:
        dist.init_process_group("gloo")

    class Towers(torch.nn.Module):
        """Both towers in one forward, which DistributedDataParallel wants."""

        def __init__(self, clip):
            super().__init__()
            self.clip = clip

        def forward(self, pixels, tokens):
            out = self.clip(pixel_values=pixels, **tokens)
            return normalize(out.image_embeds, dim=-1), normalize(out.text_embeds, dim=-1), self.clip.logit_scale

    clip = CLIPModel.from_pretrained(folder / "model")
    clip.train()
    model = DistributedDataParallel(Towers(clip)) if world > 1 else Towers(clip)
    processor = CLIPImageProcessorPil.from_pretrained(folder / "model")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "model")
    with open(folder / "captions.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"]
    # Matrices decay, tables that are looked up or added do not.
    decays = lambda name, weight: weight.dim() > 1 and not name.endswith(("token_embedding.weight", "position_embedding.weight"))
    named = list(model.named_parameters())
    groups = [
        {"params": [weight for name, weight in named if decays(name, weight)], "weight_decay": 0.1},
        {"params": [weight for name, weight in named if not decays(name, weight)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-5, betas=(0.9, 0.98), eps=1e-6)
    share = options.batch // world
    log = open(folder / "pytorch.jsonl", "a") if rank == 0 else None
    for step in range(options.steps):
        batch = rows[step * options.batch + rank * share :][:share]
        pixels = processor([Image.open(folder / "images" / row["filename"]) for row in batch], return_tensors="pt").pixel_values
        tokens = dict(tokenizer([row["caption"] for row in batch], padding="max_length", truncation=True, max_length=77, return_tensors="pt"))
        if world > 1:
            dist.barrier()
        begun = time.perf_counter()
        optimizer.zero_grad()
        images, texts, scale = model(pixels, tokens)
        all_images = torch.cat(all_gather(images)) if world > 1 else images
        all_texts = torch.cat(all_gather(texts)) if world > 1 else texts
        labels = torch.arange(share) + rank * share
        of_rows = lambda own, others: cross_entropy(scale.exp() * own @ others.T, labels)
        # The mean over the own rows; DistributedDataParallel takes the mean over the ranks.
        loss = (of_rows(images, all_texts) + of_rows(texts, all_images)) / 2
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            clip.logit_scale.clamp_(0, 4.605170185988091)
        seconds = time.perf_counter() - begun
        value = loss.detach()
        if world > 1:
            dist.all_reduce(value)
        if log:
            log.write(json.dumps({"type": "step", "loss": value.item() / world, "seconds_of_step": seconds}) + "\n")
            log.flush()


def compare(folder, options):
    make(folder / "whole", options)
    for number in range(2):
        make_apart(folder / f"apart{number}", folder / "whole", options)
    times = {(side, way): [] for side in options.only for way in WAYS}
    traffic, losses = {key: [] for key in times}, {}
    for turn in range(options.rounds):
        for side, way in times:
            seconds, found, step = take_steps(folder, side, way, options)
            times[side, way] += seconds[options.warm_up :]
            traffic[side, way].append(step)
            # Half of a batch is something else.
            if way in ("one", "two"):
                losses.setdefault((side, way), found)
        print(f"round {turn + 1}:", {f"{side}, {way}": round(median(one), 2) for (side, way), one in times.items()}, flush=True)
    first = losses[options.only[0], "one"]
    differ = {key: max(abs(a - b) for a, b in zip(first, one, strict=True)) for key, one in losses.items()}
    if not all(far <= SAME_LOSS for far in differ.values()):
        sys.exit(f"error: the sides compute different things: {differ}")
    return table(times, traffic, max(differ.values()), options)


def table(times, traffic, differ, options):
    drawn = (
        f"ViT-B/32 at full size, 32-bit floats, InfoNCE over {options.batch} pairs, one processor and one thread for each process; "
        f"{benchmark.cores()} processors; medians of {options.rounds} rounds of {options.steps - options.warm_up} steps in turn. "
        f"Losses differ by at most {differ:.1e}. Others kept {options.load:.1f} processors busy at the beginning."
    )
    rows = []
    for side in options.only:
        one, half, apart, two = (median(times[side, way]) for way in WAYS)
        mib = median(traffic[side, "two"]) / 2 / 2**20
        seconds = [f"{number:.2f} s" for number in (one, two, half, apart)]
        speeds = [f"{one / number / 2:.2f}" for number in (two, half, apart)]
        rows.append((SIDES[side], *seconds, *speeds, f"{mib:.0f} MiB"))
    head = ["", "one process", "two processes", "one with half of the batch", "two such apart"]
    head += ["two: of twice the speed", "if one had half of the batch", "if two were apart", "each of two sends in a step"]
    return benchmark.section(drawn, benchmark.table(head, rows), f"Wanted: two processes have {WANTED:.2f} of twice the speed of one.")


def main():
    parser = benchmark.parser("distributed", __doc__)
    parser.add_argument("--batch", type=int, default=64, help="the pairs of a global batch, an even number")
    parser.add_argument("--steps", type=int, default=3, help="steps of each side in a round")
    parser.add_argument("--warm-up", type=int, default=1, help="first ones that are not counted")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=list(SIDES), choices=SIDES, help="the sides")
    parser.add_argument("--peer", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return peer(Path(options.peer), options)
    if options.batch % 2 or not 0 <= options.warm_up < options.steps:
        parser.error("--batch has to be even, and --warm-up less than --steps")
    options.load = benchmark.load()
    with benchmark.room() as folder:
        section = compare(folder, options)
    benchmark.finish("distributed", section, options)


if __name__ == "__main__":
    main()
