"""The sides: what each is started with, and what it found."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmark import TARGET

HERE = Path(__file__).resolve().parent
CLIPTUNE = TARGET / "cliptune"

EXPERIMENT = """
name: {name}
data:
  images: {folder}/images
  metadata: {folder}/table/rows.parquet
  join: {{ image: name, metadata: filename }}
  columns: {columns}
  split: {{ by: component, train: 0.8, validation: 0.1, test: 0.1, seed: 0 }}
  verify: {verify}
model:
  from: openai/clip-vit-base-patch32
"""


@dataclass
class Run:
    """One timed run of a side."""

    seconds: float
    peak_mib: float
    killed: bool


class Side:
    """A program that makes a dataset of a folder of data; each time from nothing, in a place of its own."""

    #: What the side is in the table.
    name: str

    def __init__(self, name, work, folder, workload):
        self.name, self.work, self.folder, self.workload = name, work, folder, workload
        self.place = work / name.replace(" ", "-")

    def prepare(self):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()

    def run(self, limit):
        """Runs the side once and keeps what it made until the next time."""
        self.prepare()
        return launch(self.work, limit, self.command(), self.environment())

    def environment(self):
        return {}

    def command(self):
        raise NotImplementedError

    def pairs(self):
        """SQL for the image's path and the row's id of all joined rows that the side found."""
        raise NotImplementedError

    def items(self):
        """SQL for the image's path and the row ids of each item; None where the side makes no items."""
        return None


class Cliptune(Side):
    def __init__(self, line, work, folder, workload):
        super().__init__(f"cliptune {line.verify}", work, folder, workload)
        self.experiment = work / f"{line.name}.yaml"
        self.unchanged = workload.unchanged
        self.experiment.write_text(
            EXPERIMENT.format(name=line.name, folder=folder, columns=json.dumps(workload.columns), verify=line.verify)
        )

    def prepare(self):
        if not (self.unchanged and self.place.exists()):
            super().prepare()

    def command(self):
        return [CLIPTUNE, "ingest", self.experiment, "--store", self.place / "store", "--quiet"]

    def table(self):
        (items,) = self.place.glob("store/datasets/*/items.parquet")
        return items

    def pairs(self):
        return f"SELECT image AS path, unnest(ids)::VARCHAR AS id FROM '{self.table()}'"

    def items(self):
        return f"SELECT image AS path, list_sort(ids)::VARCHAR[] AS ids FROM '{self.table()}'"


class DataChain(Side):
    def environment(self):
        return {"DATACHAIN_ROOT_DIR": str(self.place), "DATACHAIN_NO_ANALYTICS": "1"}

    def command(self):
        program = [sys.executable, "-B", HERE / "datachain_side.py"]
        return [*program, self.folder / "images", self.folder / "table/rows.parquet", "filename", self.workload.columns["id"]]

    def pairs(self):
        row_id, found = self.workload.columns["id"], self.place / "pairs.parquet"
        program = [sys.executable, "-B", HERE / "datachain_side.py", "--pairs", found, row_id]
        subprocess.run(program, check=True, env=os.environ | self.environment(), stderr=subprocess.DEVNULL)
        return f"""SELECT COLUMNS('path')::VARCHAR AS path, COLUMNS('{row_id}$')::VARCHAR AS id FROM '{found}'"""


class Pandas(Side):
    def command(self):
        columns = self.workload.columns
        fold = ",".join(columns[key] for key in ("group", "choices", "label", "text") if key in columns)
        program = [sys.executable, "-B", HERE / "pandas_side.py"]
        sources = [self.folder / "images", self.folder / "table/rows.parquet"]
        return [*program, *sources, "filename", columns["id"], fold, self.place / "items.parquet"]

    def pairs(self):
        return f"SELECT image AS path, unnest(ids)::VARCHAR AS id FROM '{self.place}/items.parquet'"

    def items(self):
        return f"SELECT image AS path, list_sort(ids::VARCHAR[]) AS ids FROM '{self.place}/items.parquet'"


def launch(work, limit, command, environment):
    """Times a command in a process of its own. Whatever it says is shown when it fails."""
    result, said = work / "launched.json", work / "said.txt"
    launcher = [sys.executable, "-I", "-S", HERE / "launch.py", result, str(limit), *command]
    with said.open("w") as output:
        launched = subprocess.Popen(launcher, env=os.environ | environment, stdout=output, stderr=output, cwd=work)
        try:
            launched.wait()
        finally:
            launched.terminate()
            launched.wait()
    found = json.loads(result.read_text())
    if found["code"] != 0 and not found["killed"]:
        sys.exit(f"error: {' '.join(map(str, command))} ended with {found['code']}\n{said.read_text()[-3000:]}")
    return Run(found["seconds"], found["peak_mib"], found["killed"])
