"""What was measured: as JSON, as words and as the table of docs/speed.md."""

import importlib.metadata
import json
import os
import subprocess
import sys
import time
from statistics import median

import benchmark
from rows import WORKLOADS

RESULTS = benchmark.ROOT / "docs/speed-ingest.json"
HEAD = ["data", "", "seconds: median (fastest – slowest)", "peak memory", "times as fast as DataChain", "needed"]


def setting(options):
    """Where, when and with what it is measured."""
    cpu = next(line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    git = lambda *words: subprocess.run(["git", "-C", benchmark.ROOT, *words], capture_output=True, text=True).stdout.strip()
    changed = "-changed" if git("status", "--porcelain", "--untracked-files=no", "--", "crates") else ""
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": git("rev-parse", "--short", "HEAD") + changed,
        "machine": f"{benchmark.cores()} cores of {cpu}, {memory:.0f} GiB",
        "load": round(benchmark.load(), 1),
        "versions": {name: importlib.metadata.version(name) for name in ("datachain", "pandas")} | {"python": sys.version.split()[0]},
        "starting": {name: _starting(name) for name in ("datachain", "pandas")},
    }


def _starting(package):
    """The seconds in which Python has imported a package and has done nothing."""
    times = []
    for _ in range(4):
        times.append(benchmark.timed([sys.executable, "-B", "-c", f"import {package}"]))
    return round(median(times[1:]), 2)


def measured(size, runs, found):
    """One size of the data: what each side took."""
    sides = {}
    for name, times in runs.items():
        killed = any(run.killed for run in times)
        sides[name] = {
            "seconds": round(median(run.seconds for run in times), 3),
            "fastest": round(min(run.seconds for run in times), 3),
            "slowest": round(max(run.seconds for run in times), 3),
            "peak_mib": round(max(run.peak_mib for run in times)),
            "killed": killed,
        }
    return {"images": size.images, "rows": size.rows, **found, "sides": sides}


def _line(entry, line):
    """What a line of the table is judged by: cliptune's numbers, DataChain's, their ratio, and what is missed."""
    ours = entry["whole"]["sides"][f"cliptune {line.verify}"]
    peer = entry["whole"]["sides"].get("DataChain")
    ratio = peer["seconds"] / ours["seconds"] if peer else None
    missed = []
    if line.bar.times_datachain and ratio < line.bar.times_datachain:
        missed.append("time")
    if line.bar.seconds and ours["seconds"] >= line.bar.seconds:
        missed.append("time")
    if ours["peak_mib"] > line.bar.memory_mib:
        missed.append("memory")
    return ours, ratio, missed


def is_met(workload, entry):
    return not any(_line(entry, line)[2] for line in workload.lines)


def _seconds(side):
    if side["killed"]:
        return f"over {side['seconds']:.0f}, killed"
    digits = 2 if side["seconds"] < 20 else 1
    return f"{side['seconds']:.{digits}f} ({side['fastest']:.{digits}f} – {side['slowest']:.{digits}f})"


def _verdict(line, missed):
    return f"{line.bar.words()}: {' and '.join(missed) + ' missed' if missed else 'met'}"


def _times(ratio):
    return f"{ratio:.1f} ×" if ratio else ""


def _peer_rows(entry, size):
    versions = entry["setting"]["versions"]
    for name, version in (("DataChain", versions["datachain"]), ("pandas", versions["pandas"])):
        side = size["sides"].get(name)
        if side:
            yield "", f"{name} {version}", _seconds(side), f"{side['peak_mib']} MiB", "", ""


def table(workload, entry, judged=True):
    """The lines of the table: data, side, seconds, peak, how many times as fast as DataChain, what is needed."""
    for line in workload.lines:
        ours, ratio, missed = _line(entry, line)
        verdict = _verdict(line, missed) if judged else ""
        title = line.title if judged else f"{line.name}, only {entry['whole']['images']:,} images and {entry['whole']['rows']:,} rows"
        yield title, "cliptune", _seconds(ours), f"{ours['peak_mib']} MiB", _times(ratio), verdict
    yield from _peer_rows(entry, entry["whole"])
    if entry["tenth"]:
        yield from _tenth_rows(workload, entry)


def _tenth_rows(workload, entry):
    tenth, whole = entry["tenth"], entry["whole"]
    name = f"cliptune {workload.lines[0].verify}"
    side = tenth["sides"][name]
    growth = whole["sides"][name]["seconds"] / side["seconds"]
    ratio = tenth["sides"]["DataChain"]["seconds"] / side["seconds"]
    title = f"a tenth of it: {tenth['images']:,} file names, {tenth['rows']:,} rows"
    grown = f"the whole takes {growth:.1f} times as long"
    yield title, "cliptune", _seconds(side), f"{side['peak_mib']} MiB", _times(ratio), grown
    yield from _peer_rows(entry, tenth)


def words(workload, entry, judged):
    """The table of a terminal."""
    lines = []
    for title, side, seconds, peak, times, needed in table(workload, entry, judged):
        lines += [title] if title else []
        lines.append(f"  {side:18} {seconds:26} {peak:>9} {times:>8}  {needed}".rstrip())
    return "\n".join(lines)


def keep(workload, found):
    """Puts what was measured into the file of results, in the place of what was there for the same data."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[workload.name] = found
    ordered = {workload.name: results[workload.name] for workload in WORKLOADS if workload.name in results}
    RESULTS.write_text(json.dumps(ordered, indent=1) + "\n")


def write_docs():
    """Writes the section of docs/speed.md."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    benchmark.write("ingest", _section(results))


def _section(results):
    if not results:
        return "Not measured yet."
    measured = [workload for workload in WORKLOADS if workload.name in results]
    rows = [cells for workload in measured for cells in table(workload, results[workload.name])]
    return benchmark.section(benchmark.table(HEAD, rows, texts=len(HEAD)), _settings(results))


def _settings(results):
    """One sentence for each machine, day and build that numbers are from."""
    said = {}
    for name, entry in results.items():
        where = entry["setting"]
        text = (
            f"{where['machine']}; {where['date']}, cliptune at {where['commit']}, Python {where['versions']['python']}; "
            f"medians of {entry['rounds']} rounds. Of DataChain's seconds {where['starting']['datachain']} are Python's start and "
            f"its import, of pandas' {where['starting']['pandas']}."
        )
        said.setdefault(text, []).append(name)
    return "\n".join(f"- {', '.join(names)}: {text}" for text, names in said.items())
