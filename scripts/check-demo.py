"""Fails when the demo misses its bars: python3 scripts/check-demo.py STORE [SECONDS].

The time is told and does not count: what else a machine does decides whether it is long.
"""

import json
import pathlib
import sys

USUAL_SECONDS = 300
MAX_MEMORY = 4 * 1024**3
MIN_ACCURACY = 0.60

store, seconds = pathlib.Path(sys.argv[1]), sys.argv[2:]


def newest(experiment):
    """The newest finished run of each seed, with its test accuracy."""
    found = {}
    for record in sorted(store.glob(f"{experiment}/*/run.json")):
        run = json.loads(record.read_text())
        if ((run["end"] or {}).get("outcome") or {}).get("kind") == "done":
            scores = json.loads((record.parent / "scores/test/scores.json").read_text())
            found[run["seed"]] = (run, scores["metrics"]["accuracy"])
    return list(found.values())


zero_shot, tuned, locked = newest("zero-shot"), newest("tuned"), newest("locked-image")
assert zero_shot and len(tuned) == 3 and locked, "a run is missing"
bars = []
above = zero_shot[0][1]["high"]
for run, accuracy in tuned:
    value, low = accuracy["value"], accuracy["low"]
    name = f"tuned, seed {run['seed']}, test accuracy"
    bars.append((name, f"{value:.3f}", value >= MIN_ACCURACY, f"at least {MIN_ACCURACY}"))
    bars.append((f"{name}, low end", f"{low:.3f}", low > above, f"above zero-shot's high end {above:.3f}"))
for run, _ in tuned + locked + zero_shot:
    memory = run["end"]["peak_memory"] or 0
    name = f"peak memory of {run['experiment']}, seed {run['seed']}"
    bars.append((name, f"{memory / 1024**2:.0f} MiB", memory < MAX_MEMORY, "under 4 GiB"))
for taken in map(int, seconds):
    word = "ok  " if taken < USUAL_SECONDS else "slow"
    print(f"{word} everything after the build: {taken} s (under {USUAL_SECONDS} s on two idle cores)")
for name, value, met, bar in bars:
    print(f"{'ok  ' if met else 'MISS'} {name}: {value} ({bar})")
sys.exit(0 if all(met for _, _, met, _ in bars) else 1)
