#!/usr/bin/env python3
"""Writes the token ids that the tests of `cliptune-clip` compare with.

    pip install transformers==5.23.0 tokenizers==0.23.3
    python scripts/references/tokens.py      # reads crates/clip/tests/references/tokenizer, writes ids.json there

The tokenizer itself was trained and saved by cliptune (see crates/clip/tests/tokens.rs). It is loaded here in every way
transformers offers; all must agree.
"""

import json
import random
import shutil
import tempfile
from pathlib import Path

from transformers import AutoTokenizer, CLIPTokenizer, CLIPTokenizerFast

FOLDER = Path(__file__).resolve().parents[2] / "crates/clip/tests/references/tokenizer"
CONTEXT = 77

TEXTS = [
    "", " ", "\t\r\n \u3000", "a", "A", "cat", "Cat.", "the cat", "  the   cat \n sat\t",
    "I'm sorry, we'll have what they've had; don't, can't, it's, you'd, they're",
    "I'M SORRY, WE'LL HAVE WHAT THEY'VE HAD; DON'T", "'s 't 're 've 'm 'll 'd 'S '' ''s 'sit 'tis",
    "caf\u00e9", "cafe\u0301", "CAF\u00c9", "na\u00efve", "\u1e9b\u0323", "A\u030a \u212b \u00c5", "\u2126 \u03a9",
    "\u201cI said \u2018no\u2019,\u201d he said \u2014 twice\u2026", "``quoted'' -- dashes --- and_underscores",
    "&amp; &quot;html&quot; &#39;", "schön gru\u00df \u1e9e STRASSE", "\u0130stanbul \u0131 I i", "\u03a3\u0391\u03a3 \u03c2",
    "漫画家は猫が好き", "고양이", "\u1112\u1161\u11ab", "قطة تجلس", "ไม่มีแมว", "\u0915\u094d\u0937 \u0928\u093f",
    "😀", "👩‍👩‍👧‍👦 family", "🏳️‍🌈🇫🇷👍🏽", "☃️ snow", "a😀b", "\U0001f9d1\u200d\U0001f4bb",
    "1", "12345", "3.14 1,000 10% $5 #1 1st 2nd", "\u00bd \u00b2 \u2167 \u0968 \u4e09", "2024-01-31T12:00:00Z",
    "!!!???...", "!?!?", "a!b?c", "(a) [b] {c} <d>", "a/b\\c|d", "https://example.com/a?b=c&d=e", "@user #tag user@host",
    "\x00", "a\x00b", "\x01\x02\x1b[31mred\x1b[0m", "a\x1cb\x1db\x1eb\x1fb", "a\x85b", "a\x0bb\x0cc", "\x7f",
    "a\u00a0b", "a\u2028b\u2029c", "a\u200bb", "a\u200db", "\ufeffa", "a\u180eb", "\ufffd", "\uffff", "\U0010ffff",
    "\u0301", "a \u0301b", "\u202eright to left", "\u00ad", "e\u0301\u0301\u0301",
    "<|startoftext|>", "<|endoftext|>", "the <|endoftext|> cat", "<|STARTOFTEXT|> cat", "a<|startoftext|>b <|pad|>",
    "</w> a</w>", "#version: 0.2", "Ġcat", "Ā ÿ Ń",
    "cat " * 75, "cat " * 76, "the cat sat on the mat " * 100, "waiting" * 100, "!" * 300, "1" * 100, "é" * 80,
    "x" * 73 + " y", " ".join("waiting sitting weather nothing".split() * 19),
]


def random_texts(count, seed=0):
    """Strings of characters from everywhere, favouring those that the tokenizer treats specially."""
    rng = random.Random(seed)
    special = "aAbB12 \t\n'.,!?\"-éÉ\u0301\u00a0’“” <|>/wst"
    assigned = [(0x20, 0x2FF), (0x300, 0x5FF), (0x900, 0xDFF), (0x1E00, 0x20FF), (0x3000, 0x33FF), (0x1F300, 0x1F6FF)]

    def character():
        if rng.random() < 0.6:
            return rng.choice(special)
        return chr(rng.randint(*rng.choice(assigned)))

    return ["".join(character() for _ in range(rng.randint(1, 24))) for _ in range(count)]


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
