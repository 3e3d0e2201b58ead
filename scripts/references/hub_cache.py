#!/usr/bin/env python3
"""Writes the cache that Python makes of a repository, which the tests of `cliptune-hub` compare with and read.

    pip install huggingface_hub==2.4.0
    python scripts/references/hub_cache.py      # writes crates/hub/tests/references/python_cache.json

The repository is served by the hub of those tests (crates/hub/examples/fake_hub.rs), so this also shows that the real
client takes that hub for one. Files are asked for one by one, as transformers does, one of them in vain.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "crates/hub/tests/references/python_cache.json"
REPOSITORY = "org/sharded"
FILES = [
    "config.json", "vocab.json", "merges.txt", "model.safetensors.index.json", "model-00001-of-00002.safetensors",
    "more/model-00002-of-00002.safetensors",
]
ABSENT = ["preprocessor_config.json"]


def fetch(endpoint: str, home: str) -> str:
    os.environ.update(HF_ENDPOINT=endpoint, HF_HOME=home, HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_XET="1")
    import huggingface_hub
    from huggingface_hub.errors import RemoteEntryNotFoundError

    for name in FILES:
        huggingface_hub.hf_hub_download(REPOSITORY, name)
    for name in ABSENT:
        try:
            huggingface_hub.hf_hub_download(REPOSITORY, name)
            sys.exit(f"{name} is there")
        except RemoteEntryNotFoundError:
            pass
    return huggingface_hub.__version__


def describe(path: Path) -> dict:
    return {"link": os.readlink(path)} if path.is_symlink() else {"text": path.read_text()}


def main() -> None:
    server = subprocess.Popen(
        ["cargo", "run", "--quiet", "-p", "cliptune-hub", "--example", "fake_hub"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    with tempfile.TemporaryDirectory() as home:
        version = fetch(server.stdout.readline().strip(), home)
        cache = Path(home, "hub")
        files = {
            str(path.relative_to(cache)): describe(path)
            for path in sorted(cache.rglob("*")) if path.is_symlink() or path.is_file()
        }
    server.stdin.close()
    server.wait()
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps({"huggingface_hub": version, "files": files}, indent=1) + "\n")


if __name__ == "__main__":
    main()
