"""Times the scoring of a fold of a caption contest beside what people write in Python, on the same weights.

A contest of five folds is drawn, and a CLIP ViT-B/32 at full size with random weights; one fold of about 520 questions over 130
cartoons is scored. Every side is a process of its own, from its start to its last answer; they take turns in every round, and
numbers are medians. The logits of all sides must be the same within 0.002.

    cliptune         cliptune-score where nothing is remembered; then where the same files have passed the parity gate before;
                     then where everything has been encoded before
    pytorch          transformers' CLIPModel, question by question: its image and its five texts, padded to 77 tokens
    onnxruntime      the exported portable graphs in Python's ONNX Runtime as it comes, 32 questions at a time, texts padded to 77
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import benchmark
from benchmark import TARGET

PEERS = {"pytorch": "PyTorch question by question", "onnxruntime": "Python's ONNX Runtime with padded batches"}
OURS = {
    "first": "cliptune, nothing remembered",
    "passed": "cliptune, the same files have passed the gate before",
    "known": "cliptune, everything has been encoded before",
}
WANTED = {"pytorch": 14, "onnxruntime": 11}
FOLDS, BATCH, TOKENS, SAME_LOGITS = 5, 32, 77, 2e-3

EXPERIMENT = """\
name: fold
data:
  images: contest/images
  metadata: contest/contest.parquet
  join: {{ image: name, metadata: filename }}
  columns: {{ choices: caption_choices, label: label, id: instance_id, group: contest_number }}
  split: {{ folds: {folds}, test_fold: 0, seed: 0 }}
model: {{ from: ./model }}
export: {{ onnx: [fp32] }}
score: {{ splits: [test] }}
"""


def make(folder, cartoons):
    """The contest, the model, the dataset and the exported run."""
    from bench_train import make_model

    cliptune = lambda *words: subprocess.run([TARGET / "cliptune", *words, "--quiet"], check=True, cwd=folder)
    cliptune("demo-data", "contest", "--cartoons", str(cartoons * FOLDS), "--seed", "0")
    make_model(folder / "model")
    make_attentive(folder / "model")
    (folder / "fold.yaml").write_text(EXPERIMENT.format(folds=FOLDS))
    cliptune("ingest", "fold.yaml")
    cliptune("train", "fold.yaml")
    return next((folder / "runs/fold").iterdir())


def make_attentive(folder):
    """Random weights that are large enough for attention to matter, so that whoever computes something else is found out."""
    import torch
    from transformers import CLIPModel

    torch.manual_seed(0)
    model = CLIPModel.from_pretrained(folder)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 2 and "embedding" not in name:
                weight.normal_(std=1.2 * weight.shape[1] ** -0.5)
    model.save_pretrained(folder)


def questions(folder):
    """The questions of the fold, as the dataset has them."""
    import duckdb

    items = next((folder / "runs/datasets").iterdir()) / "items.parquet"
    rows = duckdb.sql(f"SELECT item_id, image, texts FROM '{items}' WHERE split = 'test' ORDER BY item_id").fetchall()
    return [(item, folder / "contest/images" / image, list(texts)) for item, image, texts in rows]


def peer(name, folder, run, threads):
    """A Python side: writes the logits of every question."""
    from PIL import Image
    from transformers import CLIPImageProcessorPil, CLIPTokenizer

    processor = CLIPImageProcessorPil.from_pretrained(run / "model")
    tokenizer = CLIPTokenizer.from_pretrained(run / "model")
    tokens = lambda texts, kind: tokenizer(texts, padding="max_length", truncation=True, max_length=TOKENS, return_tensors=kind)
    pixels = lambda paths, kind: processor([Image.open(path).convert("RGB") for path in paths], return_tensors=kind).pixel_values
    work = json.loads((folder / "questions.json").read_text())
    answer = {"pytorch": by_pytorch, "onnxruntime": by_onnxruntime}[name]
    (folder / f"{name}.json").write_text(json.dumps(answer(run, work, tokens, pixels, threads)))


def by_pytorch(run, work, tokens, pixels, threads):
    import torch
    from transformers import CLIPModel

    torch.set_num_threads(threads)
    model = CLIPModel.from_pretrained(run / "model").eval()
    with torch.inference_mode():
        ask = lambda image, texts: model(pixel_values=pixels([image], "pt"), **tokens(texts, "pt")).logits_per_image[0].tolist()
        return {item: ask(image, texts) for item, image, texts in work}


def by_onnxruntime(run, work, tokens, pixels, threads):
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    text, vision = (onnxruntime.InferenceSession(run / f"onnx/{tower}_model.onnx", options) for tower in ("text", "vision"))
    scale = float(text.get_modelmeta().custom_metadata_map["logit_scale"])
    unit = lambda rows: rows / numpy.linalg.norm(rows, axis=-1, keepdims=True)
    answers = {}
    for start in range(0, len(work), BATCH):
        some = work[start : start + BATCH]
        images = unit(vision.run(None, {"pixel_values": pixels([image for _, image, _ in some], "np")})[0])
        ids = tokens([text for _, _, texts in some for text in texts], "np").input_ids.astype(numpy.int64)
        texts = unit(text.run(None, {"input_ids": ids})[0]).reshape(len(some), -1, images.shape[1])
        logits = scale * numpy.einsum("qd,qcd->qc", images, texts)
        answers.update((item, row.tolist()) for (item, _, _), row in zip(some, logits))
    return answers


def timed(command, folder):
    """Seconds that a process takes, and seconds of processors."""
    environment = os.environ | {"ORT_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1"}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def score(state, folder, run):
    """One scoring by cliptune, in one of the states that OURS names."""
    shutil.rmtree(run / "scores", ignore_errors=True)
    forgotten = {"first": ["verdicts", "embeddings"], "passed": ["embeddings"], "known": []}[state]
    for cache in forgotten:
        shutil.rmtree(folder / "runs/cache" / cache, ignore_errors=True)
    return timed([TARGET / "cliptune-score", "fold.yaml", "--quiet"], folder)


def own_logits(run):
    import duckdb

    rows = duckdb.sql(f"SELECT item_id, candidates, logits FROM '{run}/scores/test/predictions.parquet'").fetchall()
    return {item: [logit for _, logit in sorted(zip(candidates, logits))] for item, candidates, logits in rows}


def furthest(ours, theirs):
    if ours.keys() != theirs.keys():
        sys.exit("error: the sides have answered other questions")
    return max(abs(a - b) for item in ours for a, b in zip(ours[item], theirs[item], strict=True))


def compare(folder, options):
    run = make(folder, options.cartoons)
    asked = questions(folder)
    (folder / "questions.json").write_text(json.dumps([(item, str(image), texts) for item, image, texts in asked]))
    times, apart = {side: [] for side in [*OURS, *options.only]}, {}
    for turn in range(options.rounds):
        for state in OURS:
            times[state].append(score(state, folder, run))
        ours = own_logits(run)
        for name in options.only:
            command = [sys.executable, "-B", __file__, "--peer", name, folder, run, "--threads", str(options.threads)]
            times[name].append(timed(command, folder))
            apart[name] = max(apart.get(name, 0), furthest(ours, json.loads((folder / f"{name}.json").read_text())))
            if not apart[name] <= SAME_LOGITS:
                sys.exit(f"error: {name} computes something else: a logit differs by {apart[name]}")
        print(f"round {turn + 1}:", {side: round(one[-1][0], 2) for side, one in times.items()}, flush=True)
    return table(asked, times, apart, options)


def table(asked, times, apart, options):
    seconds = {side: median(wall for wall, _ in one) for side, one in times.items()}
    cpu = {side: median(busy for _, busy in one) for side, one in times.items()}
    images, texts = len({image for _, image, _ in asked}), len({text for _, _, texts in asked for text in texts})
    drawn = (
        f"{len(asked)} questions over {images} cartoons with {texts} distinct texts, ViT-B/32 at full size, 32-bit floats; "
        f"{options.threads} cores; medians of {options.rounds} rounds in turn. "
        + "Logits differ from "
        + " and from ".join(f"{PEERS[name]}'s by at most {far:.1e}" for name, far in apart.items())
        + f". Others kept {options.load:.1f} processors busy at the beginning."
    )
    rows = []
    for side in times:
        ratios = [f"{seconds[name] / seconds[side]:.1f} ×" if side in OURS else "" for name in options.only]
        rows.append(((OURS | PEERS)[side], f"{seconds[side]:.2f}", f"{cpu[side]:.2f}", *ratios))
    head = ["", "seconds", "of processors", *(f"times as fast as {PEERS[name]}" for name in options.only)]
    wanted = " and ".join(f"{WANTED[name]} × of {PEERS[name]}" for name in options.only)
    return benchmark.section(drawn, benchmark.table(head, rows), f"Wanted: {wanted}; where everything is known, under 1 s.")


def main():
    parser = benchmark.parser("score", __doc__)
    parser.add_argument("--cartoons", type=int, default=130, help="the cartoons of the fold")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=benchmark.cores(), help="those of the peers")
    parser.add_argument("--only", nargs="*", default=list(PEERS), choices=PEERS, help="the peers")
    parser.add_argument("--peer", nargs=3, metavar=("NAME", "FOLDER", "RUN"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        name, folder, run = options.peer
        return peer(name, Path(folder), Path(run), options.threads)
    options.load = benchmark.load()
    with benchmark.room() as folder:
        section = compare(folder, options)
    benchmark.finish("score", section, options)


if __name__ == "__main__":
    main()
