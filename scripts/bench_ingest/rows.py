"""What is measured: the rows of the table, with their data, their sides and their bars."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """What cliptune has to reach: a ratio to DataChain or a time, and a peak of memory."""

    memory_mib: int
    times_datachain: float | None = None
    seconds: float | None = None

    def words(self):
        speed = f"at least {self.times_datachain:g} ×" if self.times_datachain else f"under {self.seconds:g} s"
        return f"{speed}, at most {self.memory_mib:,} MiB"


@dataclass(frozen=True)
class Measured:
    """One line of the table: cliptune with one setting of `verify`."""

    name: str
    title: str
    verify: str
    bar: Bar


@dataclass(frozen=True)
class Size:
    images: int
    rows: int

    def words(self):
        return f"{self.images:,} images, {self.rows:,} rows"


@dataclass(frozen=True)
class Workload:
    """Data, and what is measured on it in turn."""

    name: str
    draw: str
    size: Size
    small: Size
    lines: tuple[Measured, ...]
    columns: dict
    #: Whether DataChain and pandas run on the same files.
    peers: bool = True
    #: The peers get a tenth of the data, and so does one more cliptune, to compare with them and to see the growth.
    tenth: bool = False
    #: Whether the time is that of an ingest that finds everything as it was.
    unchanged: bool = False
    #: Counted rounds of what takes minutes.
    most_rounds: int = 100


CHOICE = {"choices": "caption_choices", "label": "label", "id": "instance_id", "group": "contest_number"}
PAIR = {"text": "caption", "id": "id"}

WORKLOADS = (
    Workload(
        "contest", "contest", Size(422, 9_792), Size(105, 2_430),
        (Measured("contest", "the contest's shape: 422 images, 9,792 rows", "whole", Bar(100, times_datachain=20)),),
        CHOICE,
    ),
    Workload(
        "photos", "photos", Size(10_000, 100_000), Size(300, 3_000),
        (
            Measured("photos-header", "10,000 images of 600 × 450, 100,000 rows, `verify: header`", "header", Bar(250, times_datachain=15)),
            Measured("photos-whole", "the same, `verify: whole`", "whole", Bar(250, times_datachain=6)),
        ),
        CHOICE,
    ),
    Workload(
        "names", "names", Size(1_000_000, 10_000_000), Size(3_000, 30_000),
        (Measured("names", "1,000,000 file names, 10,000,000 rows with one caption each, `verify: none`", "none", Bar(2048, seconds=90)),),
        PAIR,
        tenth=True, most_rounds=3,
    ),
    Workload(
        "unchanged", "tiny", Size(100_000, 100_000), Size(2_000, 2_000),
        (Measured("unchanged", "nothing changed, 100,000 files", "whole", Bar(200, seconds=0.5)),),
        PAIR,
        peers=False, unchanged=True,
    ),
)
