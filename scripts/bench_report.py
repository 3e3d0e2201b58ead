"""Times `cliptune-report` over 1,000 drawn runs and writes docs/speed.md's section.

The runs are those of 100 experiments with a matrix of five points and two seeds each: a report of one shows ten runs, one of all
shows 500 experiments. The files are in the memory of the system. The first report of a store also reads what the cache would know.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path

import benchmark
from benchmark import TARGET



def timed(folder: Path, experiments: list[Path], to: Path) -> tuple[float, float]:
    """Returns the time that passes, and the time of all processors together."""
    program = [TARGET / "cliptune-report", "--store", folder / "runs", "--to", to, "--quiet"]
    before = os.times()
    seconds = benchmark.timed([*program, *experiments])
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, busy


def measure(folder: Path, times: int) -> list[tuple[object, ...]]:
    files = sorted((folder / "experiments").glob("*.yaml"))
    rows = []
    for count in (1, 10, len(files)):
        # Reports of other experiments, each time: none has been asked for before.
        takes, to = [], Path()
        for again in range(times):
            first = again * count % len(files)
            to = folder / f"out-{count}-{again}"
            takes.append(timed(folder, files[first : first + count], to))
        size = (to / "index.html").stat().st_size / 1e6
        wall, busy = (statistics.median(column) for column in zip(*takes))
        rows.append((5 * count, f"{10 * count:,}", f"{wall:.2f} s", f"{busy:.2f} s", f"{size:.2f} MB"))
        print(benchmark.row(rows[-1]), file=sys.stderr)
    return rows


def main() -> None:
    parser = benchmark.parser("report", __doc__)
    parser.add_argument("--experiments", type=int, default=100)
    parser.add_argument("--times", type=int, default=3, help="how often each report is made")
    parser.add_argument("--folder", type=Path, help="runs that were drawn before, in place of new ones")
    options = parser.parse_args()
    with benchmark.room() as temporary:
        folder = options.folder or temporary / "drawn"
        if not options.folder:
            subprocess.run([TARGET / "examples/draw-runs", folder, str(options.experiments)], check=True)
        rows = measure(folder, options.times)
    drawn = (
        f"{10 * options.experiments:,} runs with 200 steps each, and answers to 520 questions about 130 images on two splits; "
        f"{benchmark.cores()} cores, median of {options.times}."
    )
    measured = benchmark.table(["experiments", "runs shown", "time", "of all processors", "page"], rows)
    benchmark.finish("report", benchmark.section(drawn, measured), options)


if __name__ == "__main__":
    main()
