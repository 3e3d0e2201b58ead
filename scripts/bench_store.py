"""Times `cliptune ls` and `cliptune query` over a drawn store, the first time and again, and writes docs/speed.md's section.

The first time there is no index: `cache/` is removed. Whether the files are in the memory of the system is up to the system,
so a first time right after drawing reads from memory what is not larger than that. `ls` is also timed after the system was asked
to forget the files, which then come from the disk.
"""

import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import benchmark
from benchmark import TARGET


COMMANDS = [
    ("`ls`", ["ls"]),
    ("`ls --filter`", ["ls", "--filter", "test.accuracy > 0.8 AND train.tune = 'lora'"]),
    ("`query` over `runs`", ["query", "SELECT status, count(*) FROM runs GROUP BY ALL"]),
    ("`query` over `metrics`", ["query", "SELECT split, metric, avg(value) FROM metrics GROUP BY ALL"]),
    ("`query` over `settings`", ["query", "SELECT key, count(DISTINCT value) FROM settings GROUP BY ALL"]),
    ("`query` over `events`", ["query", "SELECT type, count(*), avg(loss) FROM events GROUP BY ALL"]),
    ("`query` over `predictions`", ["query", "SELECT split, avg(share) FROM predictions GROUP BY ALL"]),
]


def timed(arguments: list[str], store: Path) -> float:
    return benchmark.timed([TARGET / "cliptune", "--store", store, *arguments])


def forget(folder: Path) -> None:
    """Asks the system to drop the files from its memory."""
    os.sync()
    for file in folder.rglob("*"):
        if file.is_file():
            descriptor = os.open(file, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def size(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20


def measure(store: Path, times: int) -> list[tuple[str, str, str]]:
    rows = []
    shutil.rmtree(store / "cache", ignore_errors=True)
    forget(store)
    rows.append(("`ls`, the files on the disk", f"{timed(['ls'], store):.2f} s", ""))
    print(benchmark.row(rows[-1]), file=sys.stderr)
    # The files are in memory from here on, as far as they fit.
    for file in store.rglob("*"):
        if file.is_file():
            file.read_bytes()
    for name, arguments in COMMANDS:
        shutil.rmtree(store / "cache", ignore_errors=True)
        first = timed(arguments, store)
        again = statistics.median(timed(arguments, store) for _ in range(times))
        rows.append((name, f"{first:.2f} s", f"{again:.2f} s"))
        print(benchmark.row(rows[-1]), file=sys.stderr)
    return rows


def main() -> None:
    parser = benchmark.parser("store", __doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000, help="events of each run")
    parser.add_argument("--times", type=int, default=5, help="how often each command is repeated")
    parser.add_argument("--store", type=Path, help="a store that was drawn before, in place of a new one")
    options = parser.parse_args()
    with benchmark.room() as folder:
        store = options.store or folder / "runs"
        if not options.store:
            subprocess.run([TARGET / "examples/draw-store", store, str(options.runs), str(options.events)], check=True)
        rows = measure(store, options.times)
        drawn = (
            f"{options.runs:,} runs with {options.events:,} events each, {size(store):,.0f} MiB with the index; "
            f"{benchmark.cores()} cores. \u201cFirst\u201d is without an index, \u201cagain\u201d the median of {options.times}."
        )
    benchmark.finish("store", benchmark.section(drawn, benchmark.table(["", "first", "again"], rows)), options)


if __name__ == "__main__":
    main()
