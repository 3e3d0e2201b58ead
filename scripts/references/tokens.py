#!/usr/bin/env python3
"""Writes the token ids that the tests of `cliptune-clip` compare with.

    pip install transformers==5.23.0 tokenizers==0.23.3
    python scripts/references/tokens.py      # reads crates/clip/tests/references/tokenizer, writes ids.json there

The tokenizer itself was trained and saved by cliptune (see crates/clip/tests/tokens.rs). It is loaded here in every way
transformers offers; all must agree.
"""

import json
import shutil
import tempfile
from pathlib import Path

from transformers import AutoTokenizer, CLIPTokenizer, CLIPTokenizerFast

from texts import TEXTS, random_texts

FOLDER = Path(__file__).resolve().parents[2] / "crates/clip/tests/references/tokenizer"
CONTEXT = 77


def loaded():
    """The tokenizer by class, by its configuration, and from vocab.json and merges.txt alone."""
    yield CLIPTokenizer.from_pretrained(FOLDER)
    yield CLIPTokenizerFast.from_pretrained(FOLDER)
    yield AutoTokenizer.from_pretrained(FOLDER)
    with tempfile.TemporaryDirectory() as parts:
        for name in ("vocab.json", "merges.txt"):
            shutil.copy(FOLDER / name, parts)
        yield CLIPTokenizer.from_pretrained(parts)


def main():
    texts = TEXTS + random_texts(100)
    every = [
        [t(text, truncation=True, max_length=CONTEXT)["input_ids"] for text in texts] for t in loaded()
    ]
    assert all(ids == every[0] for ids in every), "the ways of loading the tokenizer disagree"
    lines = [json.dumps({"text": text, "ids": ids}) for text, ids in zip(texts, every[0])]
    (FOLDER / "ids.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
