#!/usr/bin/env python3
"""Writes the merges of OpenAI's vocabulary that `cliptune-clip` carries, cut to the ones that are used.

    pip install --no-deps open_clip_torch==3.3.0
    python scripts/references/open_clip_merges.py      # writes crates/clip/data/bpe_simple_vocab_16e6.48894.txt.gz
"""

import gzip
from importlib.util import find_spec
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "crates/clip/data/bpe_simple_vocab_16e6.48894.txt.gz"
# open_clip and OpenAI's package both take `merges[1 : 49152 - 256 - 2 + 1]`.
LINES = 49152 - 256 - 2 + 1


def main():
    package = Path(find_spec("open_clip").submodule_search_locations[0])
    with gzip.open(package / "bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8") as source:
        lines = source.read().split("\n")[:LINES]
    TARGET.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
