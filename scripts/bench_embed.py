"""Times the embedding of a folder of images beside what people use in Python on the same weights, and a search of a million vectors.

A CLIP ViT-B/32 at full size with random weights, and JPEG files of 600 × 450 pixels that differ from each other. The sides take
turns in every round, and numbers are medians. cliptune's time is that of its whole process, from its start to the complete
file; the peers' is that of the call that encodes, without Python's imports and the loading of the model. All embeddings, as
unit vectors, must be the same within 0.0001.

    cliptune                cliptune embed, whose graphs are there from an earlier call
    sentence-transformers   SentenceTransformer.encode over the opened images, in batches of 32
    fastembed               ImageEmbedding.embed over the paths, on the graph that torch.onnx makes of transformers' model, in
                            batches of 16
    fastembed-ours          the same on the graph that cliptune writes, which computes less in the last block
    onnxruntime             a loop that people write: Pillow, transformers' preprocessing, Python's ONNX Runtime with torch.onnx's
                            graph, batches of 32
    graph-alone             no peer but a bound: cliptune's graph on pixels that are there already, a session for each processor,
                            batches of 8; whoever computes with ONNX Runtime needs at least this

The search is one of 1,000,000 × 512 embeddings that the system has in its memory. The texts of the rows were embedded by a model of
one small layer, because a full one takes an hour for them; then the file is given the hash of the B/32, whose text tower encodes
the query. The time is that of the whole process.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import benchmark
from benchmark import TARGET

PEERS = ["sentence-transformers", "fastembed", "fastembed-ours", "onnxruntime"]
BOUND = "graph-alone"
SAME, WANTED = 1e-4, 1.5
SMALL = {"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 1, "num_attention_heads": 1}


def draw(folder, count):
    """Images with edges, gradients and noise, as photographs and drawings have them."""
    import numpy
    from PIL import Image

    folder.mkdir()
    random = numpy.random.default_rng(0)
    for number in range(count):
        small = random.integers(0, 256, (9, 12, 3), dtype=numpy.uint8)
        image = Image.fromarray(small).resize((600, 450), Image.Resampling.BICUBIC)
        noisy = numpy.asarray(image).astype(numpy.int16) + random.integers(-12, 13, (450, 600, 1), dtype=numpy.int16)
        Image.fromarray(noisy.clip(0, 255).astype(numpy.uint8)).save(folder / f"{number:05}.jpg", quality=90)


def make(folder, count):
    from bench_score import make_attentive
    from bench_train import make_model

    make_model(folder / "model")
    make_attentive(folder / "model")
    draw(folder / "images", count)


def graphs(folder):
    """The graphs that cliptune has written of the model."""
    return next(path for path in (folder / "runs/cache/graphs").iterdir() if path.is_dir() and not path.name.startswith("."))


def ours(folder):
    to = folder / "ours.parquet"
    to.unlink(missing_ok=True)
    return benchmark.timed([TARGET / "cliptune", "embed", "model", "images", "--to", to, "--quiet"], cwd=folder)


def own_vectors(folder):
    import duckdb
    import numpy

    rows = duckdb.sql(f"SELECT embedding FROM '{folder}/ours.parquet' ORDER BY path").fetchall()
    return numpy.array([row for (row,) in rows], dtype=numpy.float32)


def peer(name, folder, threads):
    """A peer: writes its vectors and the seconds that it took."""
    import numpy

    paths = sorted((folder / "images").iterdir())
    seconds, vectors = RUNS[name](folder, paths, threads)
    if vectors is not None:
        vectors = numpy.asarray(vectors, dtype=numpy.float32)
        numpy.save(folder / f"{name}.npy", vectors / numpy.linalg.norm(vectors, axis=-1, keepdims=True))
    (folder / f"{name}.json").write_text(json.dumps(seconds))


def by_sentences(folder, paths, threads):
    import torch
    from PIL import Image
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import CLIPModel

    torch.set_num_threads(threads)
    model = SentenceTransformer(modules=[CLIPModel(str(folder / "model"))], device="cpu")
    start = time.perf_counter()
    vectors = model.encode([Image.open(path) for path in paths], batch_size=32, show_progress_bar=False)
    return time.perf_counter() - start, vectors


def standard_graph(folder):
    """The graph that people have: what torch.onnx makes of transformers' vision tower."""
    import torch
    from transformers import CLIPVisionModelWithProjection

    place = folder / "standard"
    if not place.is_dir():
        place.mkdir()
        names = {"input_names": ["pixel_values"], "output_names": ["image_embeds"]}
        axes = {name: {0: "images"} for name in ("pixel_values", "image_embeds")}
        model = CLIPVisionModelWithProjection.from_pretrained(folder / "model").eval()
        pixels = torch.zeros(2, 3, 224, 224)
        torch.onnx.export(model, (pixels,), place / "model.onnx", **names, dynamic_axes=axes, opset_version=17, dynamo=False)
    return place / "model.onnx"


def by_fastembed(folder, paths, threads):
    return timed_fastembed(folder, paths, threads, folder / "fastembed", [standard_graph(folder)])


def by_fastembed_ours(folder, paths, threads):
    made = graphs(folder)
    files = [made / "vision_model.onnx", made / "model.safetensors"]
    return timed_fastembed(folder, paths, threads, folder / "fastembed-ours", files)


def timed_fastembed(folder, paths, threads, place, files):
    from fastembed import ImageEmbedding

    if not place.is_dir():
        place.mkdir()
        shutil.copy(files[0], place / "model.onnx")
        for file in [*files[1:], folder / "model/preprocessor_config.json", folder / "model/config.json"]:
            shutil.copy(file, place)
    model = ImageEmbedding("Qdrant/clip-ViT-B-32-vision", specific_model_path=str(place), threads=threads)
    start = time.perf_counter()
    vectors = list(model.embed([str(path) for path in paths]))
    return time.perf_counter() - start, vectors


def by_runtime(folder, paths, threads):
    import numpy
    import onnxruntime
    from PIL import Image
    from transformers import CLIPImageProcessorPil

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(standard_graph(folder), options)
    processor = CLIPImageProcessorPil.from_pretrained(folder / "model")
    start, vectors = time.perf_counter(), []
    for at in range(0, len(paths), 32):
        images = [Image.open(path).convert("RGB") for path in paths[at : at + 32]]
        vectors.append(session.run(None, {"pixel_values": processor(images, return_tensors="np").pixel_values})[0])
    return time.perf_counter() - start, numpy.concatenate(vectors)


def by_graph_alone(folder, paths, threads):
    from concurrent.futures import ThreadPoolExecutor

    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = [onnxruntime.InferenceSession(graphs(folder) / "vision_model.onnx", options) for _ in range(threads)]
    pixels = numpy.random.default_rng(0).standard_normal((8, 3, 224, 224), dtype=numpy.float32)
    share = lambda session: [session.run(None, {"pixel_values": pixels}) for _ in range(len(paths) // 8 // threads)]
    with ThreadPoolExecutor(threads) as workers:
        start = time.perf_counter()
        list(workers.map(share, sessions))
        return time.perf_counter() - start, None


RUNS = {"sentence-transformers": by_sentences, "fastembed": by_fastembed, "fastembed-ours": by_fastembed_ours, "onnxruntime": by_runtime, BOUND: by_graph_alone}


def search(folder, options):
    """Searches of many embeddings by a full text tower, as a line for the documentation."""
    from bench_train import make_model

    run = lambda *words: benchmark.timed([TARGET / "cliptune", *words], cwd=folder)
    make_model(folder / "small", text_config=SMALL, vision_config=SMALL)
    (folder / "texts.txt").write_text("".join(f"a picture of number {number}\n" for number in range(options.rows)))
    (folder / "one.txt").write_text("one text\n")
    run("embed", "small", "texts.txt", "--to", "many.parquet", "--quiet")
    run("embed", "model", "one.txt", "--to", "one.parquet", "--quiet")
    lend_hash(folder / "one.parquet", folder / "many.parquet")
    words = ["search", "many.parquet", "a snail at a desk", "-k", "20", "--model", "model", "--quiet"]
    seconds = [run(*words) for _ in range(options.searches + 1)]
    middle, least, most = median(seconds[1:]), min(seconds[1:]), max(seconds[1:])
    return (
        f"`cliptune search` over {options.rows:,} × 512 embeddings, the query encoded by the text tower of a B/32: {middle:.2f} s from start "
        f"to end of the process ({least:.2f} – {most:.2f}, {options.searches} times)."
    )


def lend_hash(of, to):
    """Gives one file of embeddings the model's hash of another."""
    hash_of = lambda file: re.search(rb'"model_hash":"([0-9a-f]{64})"', file.read_bytes()[-(1 << 20) :]).group(1)
    new, old = hash_of(of), hash_of(to)
    with to.open("r+b") as file:
        file.seek(-(1 << 20), os.SEEK_END)
        at = file.tell() + file.read().index(old)
        file.seek(at)
        file.write(new)


def compare(folder, options):
    import numpy

    make(folder, options.images)
    ours(folder)
    times, apart = {side: [] for side in ["cliptune", *options.only, BOUND]}, {}
    for turn in range(options.rounds):
        times["cliptune"].append(ours(folder))
        vectors = own_vectors(folder)
        for name in [*options.only, BOUND]:
            command = [sys.executable, "-B", __file__, "--peer", name, folder, "--threads", str(options.threads)]
            environment = os.environ | {"ORT_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(options.threads)}
            subprocess.run(command, check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
            times[name].append(json.loads((folder / f"{name}.json").read_text()))
            if name == BOUND:
                continue
            apart[name] = max(apart.get(name, 0), float(numpy.abs(vectors - numpy.load(folder / f"{name}.npy")).max()))
        print(f"round {turn + 1}:", {side: round(one[-1], 2) for side, one in times.items()}, flush=True)
    return table(times, apart, options)


def table(times, apart, options):
    rates = {side: options.images / median(seconds) for side, seconds in times.items()}
    drawn = (
        f"{options.images} JPEG files of 600 × 450 pixels, ViT-B/32 at full size, 32-bit floats; {options.threads} cores; medians of "
        f"{options.rounds} rounds in turn. Others kept {options.load:.1f} processors busy at the beginning."
    )
    rows = []
    for side, rate in rates.items():
        ratio = "" if side == "cliptune" else f"{rates['cliptune'] / rate:.2f}"
        rows.append((side, f"{rate:.1f}", ratio, f"{apart[side]:.1e}" if side in apart else ""))
    measured = benchmark.table(["", "images a second", "cliptune is as fast, times", "largest difference of a component"], rows)
    return benchmark.section(drawn, measured, f"Wanted: {WANTED} × of the fastest peer, and differences below {SAME}.")


def main():
    parser = benchmark.parser("embed", __doc__)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=benchmark.cores(), help="those of the peers")
    parser.add_argument("--rows", type=int, default=1_000_000, help="the embeddings that are searched")
    parser.add_argument("--searches", type=int, default=9)
    parser.add_argument("--only", nargs="*", default=PEERS, choices=PEERS, help="the peers")
    parser.add_argument("--peer", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return peer(options.peer[0], Path(options.peer[1]), options.threads)
    options.load = benchmark.load()
    with benchmark.room() as folder:
        section = benchmark.section(compare(folder, options), search(folder, options))
    benchmark.finish("embed", section, options)


if __name__ == "__main__":
    main()
