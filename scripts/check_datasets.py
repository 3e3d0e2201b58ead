#!/usr/bin/env python3
"""Opens datasets as people do, in four libraries, and fails when one sees other rows, columns or types than the others.

Run through `scripts/check-datasets`, which installs the libraries. Of each table of a dataset, every library has to read
the same values of the same kinds in the same columns; Hugging Face datasets also split by split. Of each dataset, every
library's first item has to lead to an image of the recorded size.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
ROOM = tempfile.TemporaryDirectory()
os.environ |= {"HF_HOME": ROOM.name, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

import datasets
import duckdb
import pandas
import polars
from PIL import Image

datasets.disable_progress_bars()

SPLITS = ("train", "validation", "test")
#: What whoever opens a dataset counts on.
PROMISED = {"item_id": "text", "group": "text", "split": "text", "image": "text", "texts": "list of texts", "label": "integer"}
KINDS = {str: "text", bool: "truth value", int: "integer", float: "number"}
EXPERIMENT = """
name: {name}
data:
  images: contest/images
  metadata: contest/contest.parquet
  join: {{ image: name, metadata: filename }}
  columns: {{ {task}, group: contest_number, id: instance_id }}
  split: {{ by: component, train: 0.6, validation: 0.2, test: 0.2, seed: 0 }}
model:
  from: openai/clip-vit-base-patch32
"""
WITHIN = """
name: {name}
data:
  images: {name}
  columns: {{ text: {text} }}
  split: {{ train: 1, validation: 0, test: 0 }}
model:
  from: openai/clip-vit-base-patch32
"""
TASKS = {"choices": "choices: caption_choices, label: label", "pairs": "text: image_description"}


def plain(value):
    """A value as plain Python has it, whatever the library wraps it in."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def with_pandas(path):
    table = pandas.read_parquet(path)
    columns = {name: [None if missing(value) else plain(value) for value in table[name]] for name in table.columns}
    for name, values in columns.items():
        if all(value is None or isinstance(value, float) and value.is_integer() for value in values):
            # pandas has no missing integers in its ordinary columns: it makes them floats.
            columns[name] = [None if value is None else int(value) for value in values]
    return {name: _kind_of_values(values) for name, values in columns.items()}, columns


def missing(value):
    return value is None or value is pandas.NA or isinstance(value, float) and value != value


def _kind_of_values(values):
    """The kind of a column of pandas, whose lists have no type of their own; None where it holds nothing that has one."""
    known = [value for value in values if value is not None]
    lists = [value for value in known if isinstance(value, list)]
    kinds = sorted({KINDS.get(type(one), str(type(one))) for one in (chain.from_iterable(lists) if lists else known)})
    if not kinds:
        return None
    return f"list of {kinds[0]}s" if lists and len(kinds) == 1 else " or ".join(kinds)


def with_duckdb(path):
    table = duckdb.read_parquet(str(path))
    names = {"VARCHAR": "text", "VARCHAR[]": "list of texts", "BOOLEAN": "truth value", "DOUBLE": "number"}
    kind = lambda of: names.get(str(of), "integer" if "INT" in str(of) and "[" not in str(of) else str(of))
    rows = table.fetchall()
    columns = {name: [plain(row[place]) for row in rows] for place, name in enumerate(table.columns)}
    return {name: kind(of) for name, of in zip(table.columns, table.types)}, columns


def with_polars(path):
    table = polars.read_parquet(path)
    return {name: _kind_of_polars(of) for name, of in table.schema.items()}, table.to_dict(as_series=False)


def _kind_of_polars(of):
    if isinstance(of, polars.List):
        return "list of texts" if of.inner == polars.String else f"list of {of.inner}"
    if isinstance(of, (polars.Categorical, polars.Enum)) or of == polars.String:
        return "text"
    return "integer" if of.is_integer() else {polars.Boolean: "truth value", polars.Float64: "number"}.get(of, str(of))


def with_datasets(path, **options):
    table = datasets.load_dataset("parquet", data_files=str(path), split="train", **options)
    return {name: _kind_of_feature(of) for name, of in table.features.items()}, {name: list(table[name]) for name in table.column_names}


def _kind_of_feature(of):
    if isinstance(of, datasets.List):
        return "list of texts" if _kind_of_feature(of.feature) == "text" else f"list of {of.feature}"
    kinds = {"string": "text", "large_string": "text", "bool": "truth value", "float64": "number"}
    return kinds.get(of.dtype, "integer" if "int" in of.dtype else of.dtype)


READERS = {
    f"pandas {pandas.__version__}": with_pandas,
    f"DuckDB {duckdb.__version__}": with_duckdb,
    f"Polars {polars.__version__}": with_polars,
    f"datasets {datasets.__version__}": with_datasets,
}


def expect(holds, what):
    if not holds:
        sys.exit(f"error: {what}")


def read_rejects(name, read, path, anything):
    """The rejects as a library has them; Hugging Face datasets opens no table without rows."""
    return read(path) if anything or read is not with_datasets else None


def expect_equal(name, path, found, others):
    """A library sees the columns, kinds and values that the first one saw."""
    (kinds, columns), (expected, values) = found, others
    expect(list(kinds) == list(expected), f"{name} sees the columns {list(kinds)} in {path}, not {list(expected)}")
    for column, kind in kinds.items():
        expect(kind in (None, expected[column]), f"{name} sees {column} of {path} as {kind}, not as {expected[column]}")
        expect(columns[column] == values[column], f"{name} sees other values of {column} in {path}")


def image_of(folder, item):
    """The bytes of an item's image: a file below the folder that its number stands for in dataset.json, seen from the store,
    or, where a tar archive or a parquet file is on its path, the member or the row that the rest of the path names."""
    record = json.loads((folder / "dataset.json").read_text())
    store = folder.resolve().parent.parent
    path = store / record["sources"]["images_folders"][item["folder"]] / item["image"]
    holder = next((above for above in path.parents if above.suffix.lower() in HOLDERS and above.is_file()), None)
    return HOLDERS[holder.suffix.lower()](holder, path.relative_to(holder).as_posix()) if holder else path.read_bytes()


def member_of(archive, name):
    """A file of a tar archive, by its name without a `./` before it."""
    with tarfile.open(archive) as members:
        found = next((member for member in members if member.isfile() and member.name.removeprefix("./") == name), None)
        expect(found, f"{archive} has no file {name}")
        return members.extractfile(found).read()


def row_of(table, number):
    """The image in a row of a parquet file: in its only column of `bytes` and `path`, or in the one called image."""
    rows = duckdb.read_parquet(str(table))
    kinds = ("STRUCT(bytes BLOB, path VARCHAR)", "STRUCT(path VARCHAR, bytes BLOB)")
    columns = [name for name, of in zip(rows.columns, rows.types) if str(of).replace('"', "") in kinds]
    column = columns[0] if len(columns) == 1 else "image"
    expect(column in columns, f"{table} has no column of images")
    found = rows.limit(1, int(number)).fetchall()
    image = found and found[0][rows.columns.index(column)]
    expect(image and image["bytes"], f"{table} has no image in row {number}")
    return image["bytes"]


#: The files that images lie within, by their endings, each with what reads one of its images.
HOLDERS = {".tar": member_of, ".parquet": row_of}


def first_image(folder, columns):
    """Follows the first item to its image, which has to have the recorded size."""
    item = {name: values[0] for name, values in columns.items()}
    with Image.open(io.BytesIO(image_of(folder, item))) as image:
        size = (item["width"], item["height"])
        expect(size in (image.size, (None, None)), f"{item['image']} is {image.size}, not {size}")
        image.load()
        return f"{item['image']} {image.width} × {image.height}"


def check_decoding(folder):
    """Lets Hugging Face datasets decode images, as a column of its own type."""
    table = datasets.load_dataset("parquet", data_files=str(folder / "items.parquet"), split="train[:3]")
    held = lambda item: {"pixels": {"bytes": image_of(folder, item), "path": item["image"]}}
    table = table.map(held).cast_column("pixels", datasets.Image())
    sizes = [((item["width"], item["height"]), item["pixels"].size) for item in table]
    expect(all(size in (found, (None, None)) for size, found in sizes), "datasets decodes other images")


def check_items(path, kinds, columns):
    """What whoever opens a dataset counts on."""
    for column, kind in PROMISED.items():
        expect(kinds.get(column) == kind, f"{column} of {path} is {kinds.get(column)}, not {kind}")
    expect(set(columns["split"]) <= set(SPLITS), f"{path} has the splits {set(columns['split'])}")
    classes = json.loads((path.parent / "dataset.json").read_text()).get("classes") or []
    right = zip(columns["label"], columns["texts"])
    expect(all(0 <= label < len(texts or classes) for label, texts in right), f"a label of {path} is no index of its texts")


def check_splits(path, columns):
    """Loads each split by itself, as a training script of Hugging Face does."""
    for split in SPLITS:
        wanted = [item for item, of in zip(columns["item_id"], columns["split"]) if of == split]
        if wanted:
            _, found = with_datasets(path, filters=[("split", "==", split)])
            expect(found["item_id"] == wanted, f"datasets loads other items as {split}")
            print(f"  {f'datasets {datasets.__version__}':16} {len(wanted)} items of {split} by themselves", flush=True)


def check(folder):
    print(folder, flush=True)
    items, rejects = folder / "items.parquet", folder / "rejects.parquet"
    first, refused = with_duckdb(items), with_duckdb(rejects)
    check_items(items, *first)
    anything = any(refused[1].values())
    for name, read in READERS.items():
        found = read(items)
        expect_equal(name, items, found, first)
        left_out = read_rejects(name, read, rejects, anything)
        if left_out:
            expect_equal(name, rejects, left_out, refused)
        count = len(found[1]["item_id"])
        seen = f"{len(left_out[1]['reason'])} rejects" if left_out else "no rejects"
        print(f"  {name:16} {count} items of {len(found[0])} columns, {seen}, {first_image(folder, found[1])}", flush=True)
    check_splits(items, first[1])
    check_decoding(folder)
    print("  " + ", ".join(f"{column}: {kind}" for column, kind in first[0].items()), flush=True)


def drawn(room):
    """Datasets of a small drawn contest, one for each kind of item."""
    run = lambda *words: subprocess.run([TARGET / "cliptune", *words, "--quiet"], cwd=room, check=True)
    run("demo-data", "contest", "--cartoons", "60")
    (room / "contest/images/nobody-asks.jpeg").write_bytes((room / "contest/images/1.jpeg").read_bytes())
    for name, task in TASKS.items():
        (room / f"{name}.yaml").write_text(EXPERIMENT.format(name=name, task=task))
        run("ingest", f"{name}.yaml", "--store", "store")
    return sorted((room / "store/datasets").iterdir())


def check_packing(room):
    """Loads a packed dataset as Hugging Face datasets loads WebDataset shards, and one of its own that cliptune reads."""
    run = lambda *words: subprocess.run([TARGET / "cliptune", *words, "--quiet"], cwd=room, check=True)
    run("ingest", "pairs.yaml", "--store", "store", "--pack", "packed", "--shard-size", "500kB")
    packed = json.loads((room / "packed/dataset.json").read_text())
    items = duckdb.sql(f"FROM '{room}/store/datasets/*/items.parquet' WHERE len(texts) = 1").pl()
    for split in [split["split"] for split in packed["splits"]]:
        files = {split: str(room / f"packed/{split}-*.tar")}
        table = datasets.load_dataset("webdataset", data_files=files, split=split)
        found = {sample["json"]["item_id"]: (sample["txt"], sample["jpeg"].size) for sample in table}
        own = items.filter(polars.col("split") == split).iter_rows(named=True)
        wanted = {item["item_id"]: (item["texts"][0], (item["width"], item["height"])) for item in own}
        expect(found == wanted, f"datasets sees other samples in the shards of {split}")
        print(f"  datasets {datasets.__version__} {len(found)} packed items of {split}", flush=True)
    images = sorted((room / "contest/images").glob("*.jpeg"))[:20]
    held = [{"bytes": image.read_bytes(), "path": image.name} for image in images]
    rows = datasets.Dataset.from_dict({"image": held, "text": [image.name for image in images]})
    rows = rows.cast_column("image", datasets.Image())
    (room / "rows").mkdir()
    rows.to_parquet(room / "rows/train-00000-of-00001.parquet")
    for name, text in {"rows": "text", "packed": "txt"}.items():
        (room / f"{name}.yaml").write_text(WITHIN.format(name=name, text=text))
        run("ingest", f"{name}.yaml", "--store", f"{name}-store")
        for dataset in (room / f"{name}-store/datasets").iterdir():
            check(dataset)
    read = duckdb.sql(f"FROM '{room}/rows-store/datasets/*/items.parquet'").pl()
    hashes = dict(zip(items["image"], items["image_hash"]))
    same = {text[0]: hash for text, hash in zip(read["texts"], read["image_hash"])}
    expect(len(same) == len(images), f"cliptune reads {len(same)} of {len(images)} images that datasets wrote")
    expect(all(hashes.get(name, hash) == hash for name, hash in same.items()), "cliptune reads other images than datasets wrote")
    print(f"  cliptune {len(same)} images in parquet of datasets {datasets.__version__}", flush=True)


def main():
    folders = [Path(folder) for folder in sys.argv[1:]] or drawn(Path(ROOM.name))
    for folder in folders:
        check(folder)
    if not sys.argv[1:]:
        check_packing(Path(ROOM.name))
    print("all libraries see the same")


if __name__ == "__main__":
    main()
