"""Times `cliptune-report` over 1,000 drawn runs and writes docs/speed.md's section.

The runs are those of 100 experiments with a matrix of five points and two seeds each: a report of one shows ten runs, one of all
shows 500 experiments. The files are in the memory of the system. The first report of a store also reads what the cache would know.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- scripts/bench report: begin -->", "<!-- scripts/bench report: end -->"


def timed(folder: Path, experiments: list[Path], to: Path) -> tuple[float, float]:
    """Returns the time that passes, and the time of all processors together."""
    program = [ROOT / "target/release/cliptune-report", "--store", folder / "runs", "--to", to, "--quiet"]
    begun, before = time.perf_counter(), os.times()
    subprocess.run([*program, *experiments], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, busy


def measure(folder: Path, times: int) -> list[str]:
    files = sorted((folder / "experiments").glob("*.yaml"))
    lines = ["| experiments | runs shown | time | of all processors | page |", "|---|---|---|---|---|"]
    for count in (1, 10, len(files)):
        # Reports of other experiments, each time: none has been asked for before.
        takes, to = [], Path()
        for again in range(times):
            first = again * count % len(files)
            to = folder / f"out-{count}-{again}"
            takes.append(timed(folder, files[first : first + count], to))
        size = (to / "index.html").stat().st_size / 1e6
        wall, busy = (statistics.median(column) for column in zip(*takes))
        lines.append(f"| {5 * count} | {10 * count:,} | {wall:.2f} s | {busy:.2f} s | {size:.2f} MB |")
        print(lines[-1], file=sys.stderr)
    return lines


def write(section: str) -> None:
    file = ROOT / "docs/speed.md"
    before, rest = file.read_text().split(START)
    _, after = rest.split(END)
    file.write_text(f"{before}{START}\n{section}\n{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench report", description=__doc__)
    parser.add_argument("--experiments", type=int, default=100)
    parser.add_argument("--times", type=int, default=3, help="how often each report is made")
    parser.add_argument("--folder", type=Path, help="runs that were drawn before, in place of new ones")
    parser.add_argument("--write", action="store_true", help="write the section of docs/speed.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cliptune-bench-") as temporary:
        folder = options.folder or Path(temporary) / "drawn"
        if not options.folder:
            subprocess.run([ROOT / "target/release/examples/draw-runs", folder, str(options.experiments)], check=True)
        lines = measure(folder, options.times)
        drawn = (
            f"{10 * options.experiments:,} runs with 200 steps each, and answers to 520 questions about 130 images on two splits; "
            f"{os.cpu_count()} cores, median of {options.times}."
        )
        section = "\n".join([drawn, "", *lines])
        print(section)
        if options.write:
            write(section)


main()
