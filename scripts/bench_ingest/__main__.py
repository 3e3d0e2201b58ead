"""Times `cliptune ingest` beside DataChain and pandas, in turn on the same files.

Run through `scripts/bench ingest`, which installs the peers and builds cliptune's side.

Every row of the table has data of its own, drawn into a temporary folder and removed afterwards. Each round starts every
side once, from nothing: cliptune with a new store, DataChain with a new root, pandas with a new file; rows that find
everything unchanged have one store. The first round is not counted and leaves all files in the system's cache. Times are those of whole processes; peaks are of the
largest process of a side. In the end all sides must have the same joined rows, and those that make items the same items.

    cliptune    `cliptune ingest`: join, labels, equal items folded, images checked as `verify` says, rejects, split
    DataChain   read_storage, read_parquet, merge on the file name, save; it looks into no image
    pandas      the files' names, read_parquet, merge, groupby, to_parquet; it looks into no image

What is measured goes into docs/speed-ingest.json and, as a table, into docs/speed.md, unless it is --small.
"""

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

# What all benchmarks share lies beside this folder.
sys.path.append(str(Path(__file__).resolve().parents[1]))

import record
from agree import expect_same
from draw import draw
from rows import WORKLOADS, Size
from sides import Cliptune, DataChain, Pandas

TENTH = 10


def in_turn(sides, options, rounds):
    """Runs each side once a round. A side that was killed at the limit is not started again."""
    runs = {side.name: [] for side in sides}
    for number in range(1 + rounds):
        for side in sides:
            if any(run.killed for run in runs[side.name]):
                continue
            run = side.run(options.limit)
            print(f"  {'warm-up' if number == 0 else f'round {number}':8} {side.name:18} {run.seconds:8.2f} s {run.peak_mib:6.0f} MiB", flush=True)
            if number > 0 or run.killed:
                runs[side.name].append(run)
    return runs


def measure(work, workload, size, peers, options, rounds):
    """Draws the data of one size, lets the sides run, and compares what they found."""
    with tempfile.TemporaryDirectory(dir=work) as room:
        room = Path(room)
        print(f"{workload.name}: drawing {size.words()}", flush=True)
        draw(workload.draw, size, room / "data")
        sides = [Cliptune(line, room, room / "data", workload) for line in workload.lines]
        if peers:
            sides += [DataChain("DataChain", room, room / "data", workload), Pandas("pandas", room, room / "data", workload)]
        runs = in_turn(sides, options, rounds)
        finished = [side for side in sides if not any(run.killed for run in runs[side.name])]
        found = expect_same(finished, room / "data", workload)
        print(f"  the same {found['joined_rows']:,} joined rows and {found['items']:,} items in all", flush=True)
    return record.measured(size, runs, found)


def of_workload(work, workload, options):
    size = workload.small if options.small else workload.size
    rounds = min(options.rounds, workload.most_rounds)
    tenth = None
    if workload.tenth:
        smaller = Size(size.images // TENTH, size.rows // TENTH)
        tenth = measure(work, workload, smaller, workload.peers, options, rounds)
    peers = workload.peers and not workload.tenth
    return {"rounds": rounds, "whole": measure(work, workload, size, peers, options, rounds), "tenth": tenth}


def chosen(names):
    lines = [line.name for workload in WORKLOADS for line in workload.lines]
    unknown = [name for name in names if name not in lines and name not in (workload.name for workload in WORKLOADS)]
    if unknown:
        sys.exit(f"error: no row is called {', '.join(unknown)}; there are {', '.join(lines)}")
    wanted = lambda workload: not names or workload.name in names or any(line.name in names for line in workload.lines)
    return [workload for workload in WORKLOADS if wanted(workload)]


def main():
    rows = ", ".join(line.name for workload in WORKLOADS for line in workload.lines)
    parser = argparse.ArgumentParser(prog="scripts/bench ingest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"what to measure, all when absent: {rows}")
    parser.add_argument("--small", action="store_true", help="little data, to see that everything works; nothing is written to docs/")
    parser.add_argument("--rounds", type=int, default=5, help="counted runs of each side (default: 5)")
    parser.add_argument("--limit", type=float, default=900, metavar="SECONDS", help="when a run is killed (default: 900)")
    parser.add_argument("--work", type=Path, default=tempfile.gettempdir(), help="where the data is drawn; some 5 GB")
    parser.add_argument("--docs", action="store_true", help="measure nothing, write docs/speed.md from docs/speed-ingest.json")
    options = parser.parse_args()
    # Ended by a signal, too, it ends its sides and removes its data.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    missed = not options.docs and run(options)
    if not options.small:
        record.write_docs()
    sys.exit(1 if missed else 0)


def run(options):
    """Measures the rows that are asked for, and says whether a bar is missed."""
    os.environ["XDG_CACHE_HOME"] = str(options.work / "no-cache")
    setting = record.setting(options)
    missed = False
    for workload in chosen(options.rows):
        found = {"setting": setting} | of_workload(options.work, workload, options)
        print(record.words(workload, found, judged=not options.small), flush=True)
        if not options.small:
            record.keep(workload, found)
            missed |= not record.is_met(workload, found)
    return missed


if __name__ == "__main__":
    main()
