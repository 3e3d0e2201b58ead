#!/usr/bin/env python3
"""Exports a run in every format, opens each export with the tool that it is for, and compares what the tool sees; and imports runs
that the tools make themselves.

    check_exchange.py [PYTHON]     PYTHON has transformers, open_clip and ONNX Runtime, to run the code of the model card

Run through `scripts/check-exchange`, which installs the tools. Numbers have to be the same to the last bit.
"""

import functools
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "debug"
TOOLS = Path(sys.executable).parent
os.environ |= {
    "PATH": f"{TARGET}:{TOOLS}:{os.environ['PATH']}", "HF_HUB_OFFLINE": "1", "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Without it, MLflow makes no folders of files any more, of which many lie about.
    "MLFLOW_ALLOW_FILE_STORE": "true",
}

import mlflow
import pandas
from huggingface_hub import ModelCard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

NAME, TAG, NOTE = "champion", "a=b", "two\nlines"
EXPERIMENT = """
name: small
data:
  images: ../contest/images
  metadata: ../contest/contest.parquet
  join: { image: name, metadata: filename }
  columns: { choices: caption_choices, label: label, group: contest_number, id: instance_id }
  split: { by: component, train: 0.6, validation: 0.2, test: 0.2, seed: 0 }
model:
  from: scratch
  architecture:
    { image_size: 32, patch_size: 16, vision: { width: 32, layers: 1, heads: 2 }, text: { width: 32, layers: 1, heads: 2 },
      context_length: 32, vocab_size: 600, projection_dim: 32 }
train: { objective: choice, epochs: 2, batch_size: 32, optimizer: { name: adamw, lr: 1e-3 } }
"""


def said(*command, folder=None):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


class Project:
    """A folder with a small run that has a name, a tag and a note."""

    def __init__(self, folder):
        self.folder = folder
        self("demo-data", "contest", "--cartoons", "60", "--seed", "1")
        (folder / "experiments").mkdir()
        (folder / "experiments/small.yaml").write_text(EXPERIMENT)
        self("run", "experiments/small.yaml")
        self("rename", "small@0", NAME)
        self("tag", NAME, "--add", TAG)
        self("note", NAME, "--text", NOTE)
        self.run = json.loads(self("query", "SELECT * FROM runs", "--json"))[0]
        self.metrics = json.loads(self("query", "SELECT * FROM metrics", "--json"))
        self.steps = json.loads(self("query", "SELECT * FROM events WHERE type = 'step' ORDER BY step", "--json"))

    def __call__(self, *arguments):
        return said("cliptune", *arguments, "--quiet", folder=self.folder)

    def export(self, form, *options, name=NAME):
        self("export", name, "--as", form, "--to", f"for-{form}", *options)
        return self.folder / f"for-{form}"

    def numbers(self):
        """The scores by the names that they have elsewhere."""
        numbers = {}
        for metric in self.metrics:
            name = f"{metric['split']}.{metric['metric']}"
            numbers |= {name: metric["value"], f"{name}.low": metric["low"], f"{name}.high": metric["high"]}
        return {name: value for name, value in numbers.items() if value is not None}


def same(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found!r}, and not {expected!r}")


def check_mlflow(project):
    folder = project.export("mlflow", "--weights")
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    client = mlflow.MlflowClient()
    (experiment,) = client.search_experiments(filter_string="name = 'small'")
    (run,) = client.search_runs([experiment.experiment_id], "metrics.`test.accuracy` >= 0 AND tags.`tag.a_b` = 'a=b'")
    same("MLflow's name", run.info.run_name, NAME)
    same("MLflow's status", run.info.status, "FINISHED")
    same("MLflow's note", run.data.tags["mlflow.note.content"], NOTE)
    same("MLflow's learning rate", run.data.params["train.optimizer.lr"], "1e-3")
    for name, value in project.numbers().items():
        same(f"MLflow's {name}", run.data.metrics[name.replace("@", "_at_")], value)
    history = client.get_metric_history(run.info.run_id, "train/loss")
    same("MLflow's losses", [(one.step, one.value) for one in history], [(one["step"], one["loss"]) for one in project.steps])
    with tempfile.TemporaryDirectory() as room:
        model = Path(client.download_artifacts(run.info.run_id, "model", room))
        assert (model / "model.safetensors").stat().st_size > 1000
    return f"MLflow {mlflow.__version__}: {len(run.data.metrics)} metrics, {len(run.data.params)} params"


def check_dvc(project):
    said("git", "init", "--quiet", folder=project.folder)
    said("dvc", "init", "--quiet", folder=project.folder)
    folder = project.export("dvc")
    dvc = lambda *arguments: said("dvc", *arguments, folder=folder)
    found = json.loads(dvc("metrics", "show", "--json"))[""]["data"]["metrics.json"]["data"]
    found = {f"{split}.{name}": value for split, metrics in found.items() for name, value in metrics.items()}
    for name, value in project.numbers().items():
        same(f"DVC's {name}", found[name], value)
    plots = json.loads(dvc("plots", "show", "--json"))["data"]
    losses = [float(point["loss"]) for point in plots["train/loss"][0]["content"]["data"]["values"]]
    same("DVC's losses", losses, [one["loss"] for one in project.steps])
    same("DVC's stages", {"ingest", "train", "score"} - set(re.findall(r"\w+", dvc("dag"))), set())
    said("git", "add", ".", folder=project.folder)
    said("git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "one", folder=project.folder)
    params = folder / "params.yaml"
    params.write_text(params.read_text().replace("epochs: 2", "epochs: 3"))
    assert "train.epochs" in dvc("params", "diff")
    dvc("repro")
    steps = len((folder / "plots/train.tsv").read_text().splitlines()) - 1
    same("the steps of the run that DVC made", steps, len(project.steps) // 2 * 3)
    assert "up to date" in dvc("status"), dvc("status")
    return f"DVC {said('dvc', '--version').strip()}: {len(found)} metrics, {len(plots)} plots, and the pipeline made another run"


def check_tensorboard(project):
    folder = project.export("tensorboard")
    (events,) = {file.parent for file in folder.rglob("*tfevents*")}
    same("TensorBoard's run", str(events.relative_to(folder)), project.run["run"])
    board = EventAccumulator(str(events)).Reload()
    found = [scalar.value for scalar in board.Scalars("train/loss")]
    # TensorBoard has 32-bit floats.
    assert all(math.isclose(one, step["loss"], rel_tol=1e-6) for one, step in zip(found, project.steps, strict=True))
    return f"TensorBoard: {len(board.Tags()['scalars'])} curves"


def check_model_card(project, python):
    readme = project.export("model-card") / "README.md"
    card = ModelCard.load(readme)
    results = {f"{one.dataset_split}.{one.metric_type}": one for one in card.data.eval_results}
    for name, value in project.numbers().items():
        name, _, end = re.fullmatch(r"(.*?)(\.(low|high))?", name).groups()
        same(f"the card's {name}", results[name].metric_args[end] if end else results[name].metric_value, value)
    blocks = re.findall(r"^```python\n(.*?)^```$", readme.read_text(), re.DOTALL | re.MULTILINE)
    same("the blocks of Python", len(blocks), 3)
    ran = run_code(project, python, blocks) if python else "its code was not run"
    return f"huggingface_hub: {len(results)} results; {ran}"


def run_code(project, python, blocks):
    """Runs the Python of the card in a folder that is laid out as it says, and compares the answers."""
    run = project.folder / "runs" / project.run["run"]
    room = project.folder / "code"
    shutil.copytree(run / "model", room / "USER/NAME")
    shutil.copytree(run / "onnx", room / "USER/NAME/onnx")
    project("export", NAME, "--layout", "open_clip", "--to", str(room / "OPEN_CLIP_FOLDER"))
    image = sorted((project.folder / "contest/images").iterdir())[0]
    shutil.copy(image, room / "image.jpg")
    answers = []
    for number, block in enumerate(blocks):
        (room / f"block{number}.py").write_text(block)
        answers.append([float(one) for one in re.findall(r"\d\.\d+", said(python, f"block{number}.py", folder=room))])
    for answer in answers[1:]:
        assert len(answer) == 2 and max(abs(a - b) for a, b in zip(answer, answers[0])) < 1e-3, answers
    return f"{len(blocks)} blocks of its code agree"


def check_tables(project):
    readers = {"csv": functools.partial(pandas.read_csv, float_precision="round_trip"), "parquet": pandas.read_parquet, "json": pandas.read_json}
    for form, read in readers.items():
        folder = project.export(form)
        metrics = read(folder / f"metrics.{form}", **({"precise_float": True} if form == "json" else {}))
        same(f"the values in {form}", list(metrics["value"].dropna()), [one["value"] for one in project.metrics if one["value"] is not None])
        events = read(folder / f"events.{form}")
        same(f"the steps in {form}", int((events["type"] == "step").sum()), len(project.steps))
        same(f"the runs in {form}", list(read(folder / f"runs.{form}")["name"]), [NAME])
    return f"pandas {pandas.__version__}: {', '.join(readers)}"


def check_import(project):
    room = project.folder / "theirs"
    room.mkdir()
    for name, address in [("mlruns", f"file:{room}/mlruns"), ("mlflow.db", f"sqlite:///{room}/mlflow.db")]:
        mlflow.set_tracking_uri(address)
        with mlflow.start_run() as run:
            mlflow.log_param("train/lr", 1e-5)
            mlflow.log_metric("bad", math.nan)
            for step in range(3):
                mlflow.log_metric("val/acc", 0.1 * step, step=step)
        project("import", str(room / name), "--name", f"their-{name}", "--run", run.info.run_id)
        found = json.loads(project("query", f"SELECT metric, value, method FROM metrics WHERE run LIKE 'their-{name}/%' ORDER BY metric", "--json"))
        expected = [("bad", None), ("val/acc", 0.1 * 2)]
        same(f"what is imported of {name}", found, [{"metric": metric, "value": value, "method": "told by mlflow"} for metric, value in expected])
        found = json.loads(project("query", f"SELECT number FROM settings WHERE run LIKE 'their-{name}/%' AND key = 'train/lr'", "--json"))
        same(f"the setting of {name}", found, [{"number": 1e-5}])
    predictions = pandas.read_parquet(project.folder / "runs" / project.run["run"] / "scores/test/predictions.parquet")
    predictions[["id", "predicted"]].to_parquet(room / "theirs.parquet")
    project("import", str(room / "theirs.parquet"), "--name", "theirs", "--experiment", "small")
    (found,) = json.loads(project("query", "SELECT value FROM metrics WHERE run LIKE 'theirs/%'", "--json"))
    assert math.isclose(found["value"], (predictions["predicted"] == predictions["label"]).mean()), found
    project("export", "their-mlruns", "their-mlflow.db", "theirs", "--as", "mlflow", "--to", "imported")
    mlflow.set_tracking_uri(f"sqlite:///{project.folder}/imported/mlflow.db")
    runs = {run.info.run_name: run for run in mlflow.search_runs(search_all_experiments=True, output_format="list")}
    for name in ["their-mlruns", "their-mlflow.db"]:
        history = mlflow.MlflowClient().get_metric_history(runs[name].info.run_id, "val/acc")
        same(f"what {name} is for MLflow again", [point.value for point in history], [0.1 * step for step in range(3)])
        same(f"the setting of {name} for MLflow", runs[name].data.params["train/lr"], "1e-5")
    same("the score of predictions for MLflow", runs["theirs"].data.metrics["test.accuracy"], found["value"])
    return f"imported, and exported again: runs of MLflow {mlflow.__version__} from folders and from a database, a table of pandas {pandas.__version__}"


def main():
    python = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as room:
        project = Project(Path(room).resolve())
        print(check_tables(project))
        print(check_tensorboard(project))
        print(check_model_card(project, python))
        print(check_mlflow(project))
        print(check_dvc(project))
        print(check_import(project))


if __name__ == "__main__":
    main()
