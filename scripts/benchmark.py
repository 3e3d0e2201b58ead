"""What the benchmarks of `scripts/bench` have in common: where cliptune is, on what they run, and how they write their sections of docs/speed.md.

A benchmark measures, puts its section together with `table`, and hands it to `finish`, which prints it and, with --write, puts it between
the marks that docs/speed.md has for it.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
PAGE = ROOT / "docs/speed.md"


def parser(name, about):
    """The options of a benchmark that has a section in docs/speed.md; `about` is its description, as it is written."""
    options = argparse.ArgumentParser(prog=f"scripts/bench {name}", description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--write", action="store_true", help="write the section of docs/speed.md")
    return options


def cores():
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0))


def load():
    """How many processors others keep busy, to be asked before anything is measured."""
    return os.getloadavg()[0]


@contextlib.contextmanager
def room():
    """A folder for whatever is drawn and made, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="cliptune-bench-") as folder:
        yield Path(folder).resolve()


def timed(command, **how):
    """The seconds from the start of a command to its end; one that fails ends the benchmark."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, **{"stdout": subprocess.DEVNULL, **how})
    return time.perf_counter() - begun


def row(cells):
    """A line of a Markdown table."""
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def table(head, rows, texts=1):
    """A Markdown table: the first columns, which hold texts, stand left, and the numbers right."""
    rows = list(rows)
    wrong = [cells for cells in rows if len(cells) != len(head)]
    if wrong:
        sys.exit(f"error: a row of {len(wrong[0])} cells does not fit {len(head)} columns: {wrong[0]}")
    return "\n".join([row(head), "|" + "---|" * texts + "---:|" * (len(head) - texts), *map(row, rows)])


def section(*paragraphs):
    """The text of a section, with an empty line between its paragraphs and tables."""
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def marks(name):
    """The lines of docs/speed.md between which a benchmark writes."""
    return f"<!-- scripts/bench {name}: begin -->", f"<!-- scripts/bench {name}: end -->"


def with_section(page, name, text):
    """The text of a page with another section, which has to have its marks there, each once and in this order."""
    begin, end = marks(name)
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        sys.exit(f"error: {PAGE.name} has to have {begin} and, behind it, {end}, each once")
    before, rest = page.split(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}"


def write(name, text):
    """Puts a section into docs/speed.md."""
    PAGE.write_text(with_section(PAGE.read_text(), name, text))


def finish(name, text, options):
    """Prints a section, and writes it where that is asked for."""
    print(text)
    if options.write:
        write(name, text)
