"""Times what costs nothing to do: `cliptune --help`, and `cliptune run` where everything is fresh, over ten experiments that share
100,000 images. It draws the images, makes the runs once (about a minute), and writes docs/speed.md's section. Beside each `run` it
times the system calls alone that list the images and ask each for its stamp: no `run` can take less.
"""

import argparse
import os
import random
import re
import statistics
import struct
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIPTUNE = ROOT / "target/release/cliptune"
LIST_AND_STAT = ROOT / "target/release/examples/list-and-stat"
START, END = "<!-- scripts/bench idle: begin -->", "<!-- scripts/bench idle: end -->"
SIDE = 8
PER_FOLDER = 1_000
EXPERIMENTS = 10

EXPERIMENT = """\
name: idle-{number}
data:
  images: ../images
  metadata: ../captions.csv
  join: {{ image: path, metadata: file }}
  columns: {{ text: caption }}
  split: {{ by: row, train: 0.6, validation: 0.2, test: 0.2, seed: 0 }}
model:
  from: scratch
  architecture:
    image_size: 32
    patch_size: 16
    vision: {{ width: 32, layers: 1, heads: 2 }}
    text: {{ width: 32, layers: 1, heads: 2 }}
    context_length: 16
    vocab_size: 560
    projection_dim: 32
train: {{ objective: contrastive, epochs: 1, batch_size: 16, optimizer: {{ lr: {number}.0e-4 }} }}
"""


def png(seed: int) -> bytes:
    noise = random.Random(seed)
    rows = b"".join(b"\0" + noise.randbytes(3 * SIDE) for _ in range(SIDE))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def draw(folder: Path, images: int) -> None:
    captions = ["file,caption"]
    for number in range(images):
        path = folder / "images" / f"{number // PER_FOLDER:03}" / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number))
        if number % (images // 100) == 0:
            captions.append(f"{path.relative_to(folder / 'images')},picture number {number}")
    (folder / "captions.csv").write_text("\n".join(captions) + "\n")
    (folder / "experiments").mkdir()
    for number in range(1, EXPERIMENTS + 1):
        (folder / f"experiments/{number}.yaml").write_text(EXPERIMENT.format(number=number))


def milliseconds(arguments: list[str], folder: Path) -> float:
    begun = time.perf_counter()
    subprocess.run([CLIPTUNE, *arguments], check=True, cwd=folder, capture_output=True)
    return 1e3 * (time.perf_counter() - begun)


def bare_milliseconds(folder: Path) -> float:
    said = subprocess.run([LIST_AND_STAT, folder / "images"], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"([\d.]+) ms", said)[1])


def line(what: str, times: list[float]) -> str:
    return f"| {what} | {statistics.median(times):.0f} ms ({min(times):.0f} – {max(times):.0f}) |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench idle", description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=15, help="how often each command is repeated")
    parser.add_argument("--write", action="store_true", help="write the section of docs/speed.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cliptune-bench-") as name:
        folder = Path(name)
        draw(folder, options.images)
        subprocess.run([CLIPTUNE, "run", "experiments", "--quiet"], check=True, cwd=folder, capture_output=True)
        lines = ["| | median (fastest – slowest) |", "|---|---|"]
        for command in ["--help", "status experiments"]:
            times = [milliseconds(command.split(), folder) for _ in range(options.times)]
            lines.append(line(f"`cliptune {command}`", times))
        # In turn, because the machine is not as fast at every time.
        pairs = [(milliseconds(["run", "experiments"], folder), bare_milliseconds(folder)) for _ in range(options.times)]
        run, bare = map(list, zip(*pairs))
        lines.append(line("`cliptune run experiments`", run))
        lines.append(line("of which the bare system calls for the images take, measured in turn", bare))
    drawn = f"{EXPERIMENTS} finished experiments over {options.images:,} images of one folder tree; {os.cpu_count()} cores."
    section = "\n".join([drawn, "", *lines])
    print(section)
    if options.write:
        file = ROOT / "docs/speed.md"
        before, rest = file.read_text().split(START)
        file.write_text(f"{before}{START}\n{section}\n{END}{rest.split(END)[1]}")


main()
