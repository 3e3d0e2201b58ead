"""Times what costs nothing to do: `cliptune --help`, and `cliptune run` where everything is fresh, over ten experiments that share
100,000 images. It draws the images, makes the runs once (about a minute), and writes docs/speed.md's section. Beside each `run` it
times the system calls alone that list the images and ask each for its stamp: no `run` can take less.
"""

import random
import re
import statistics
import struct
import subprocess
import zlib
from pathlib import Path

import benchmark
from benchmark import TARGET

CLIPTUNE = TARGET / "cliptune"
LIST_AND_STAT = TARGET / "examples/list-and-stat"
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
    return 1e3 * benchmark.timed([CLIPTUNE, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def bare_milliseconds(folder: Path) -> float:
    said = subprocess.run([LIST_AND_STAT, folder / "images"], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"([\d.]+) ms", said)[1])


def row(what: str, times: list[float]) -> tuple[str, str]:
    return what, f"{statistics.median(times):.0f} ms ({min(times):.0f} – {max(times):.0f})"


def main() -> None:
    parser = benchmark.parser("idle", __doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=15, help="how often each command is repeated")
    options = parser.parse_args()
    with benchmark.room() as folder:
        draw(folder, options.images)
        subprocess.run([CLIPTUNE, "run", "experiments", "--quiet"], check=True, cwd=folder, capture_output=True)
        rows = []
        for command in ["--help", "status experiments"]:
            times = [milliseconds(command.split(), folder) for _ in range(options.times)]
            rows.append(row(f"`cliptune {command}`", times))
        # In turn, because the machine is not as fast at every time.
        pairs = [(milliseconds(["run", "experiments"], folder), bare_milliseconds(folder)) for _ in range(options.times)]
        run, bare = map(list, zip(*pairs))
        rows.append(row("`cliptune run experiments`", run))
        rows.append(row("of which the bare system calls for the images take, measured in turn", bare))
    drawn = f"{EXPERIMENTS} finished experiments over {options.images:,} images of one folder tree; {benchmark.cores()} cores."
    measured = benchmark.table(["", "median (fastest – slowest)"], rows)
    benchmark.finish("idle", benchmark.section(drawn, measured), options)


if __name__ == "__main__":
    main()
