//! The columns of `runs`, each with the value that it has for a run.

use crate::cell::Cell;
use crate::columns::Kind::{Number, Text, Texts, Time, Truth, Whole};
use crate::columns::{Column, column};
use crate::summary::Summary;

/// Returns the value of a column for a run.
type Get = fn(&Summary) -> Cell<'_>;

/// The columns in order.
pub(crate) const RUNS: &[(Column, Get)] = &[
    (column("run", Text, "The run's name in the store, `<experiment>/<run>`."), |run| Cell::text(&run.run)),
    (column("name", Text, "The name that somebody gave the run."), |run| optional(run.name.as_deref())),
    (column("experiment", Text, "The experiment."), |run| Cell::text(&run.experiment)),
    (
        column(
            "tool",
            Text,
            "What the run was imported from, such as `mlflow 3.4.0` or `predictions`; missing of runs that cliptune made.",
        ),
        |run| optional(run.tool.as_deref()),
    ),
    (column("seed", Whole, "The seed."), |run| Cell::maybe(run.seed, |seed| Cell::Whole(seed.into()))),
    (
        column("status", Text, "`running`, `done`, `interrupted`, `failed` or `crashed`; or `imported`."),
        |run| Cell::text(&run.status),
    ),
    (
        column(
            "tags",
            Texts,
            "The tags that somebody gave the run; `list_contains(tags, 'paper')` finds one.",
        ),
        |run| Cell::Texts(&run.tags),
    ),
    (column("note", Text, "What somebody noted about the run."), |run| optional(run.note.as_deref())),
    (column("pinned", Truth, "Whether the run is kept whatever else is removed."), |run| {
        Cell::Truth(run.pinned)
    }),
    (column("error", Text, "The error that the run failed with."), |run| optional(run.error.as_deref())),
    (column("kept", Text, "The weights that were kept, in words."), |run| optional(run.kept.as_deref())),
    (column("best_epoch", Whole, "The epoch whose weights were kept; 0 is the starting weights."), |run| {
        Cell::maybe(run.best_epoch, Cell::count)
    }),
    (column("started", Time, "The time at which the run began, in UTC."), |run| Cell::text(&run.started)),
    (column("ended", Time, "The time at which the run ended, in UTC."), |run| optional(run.ended.as_deref())),
    (column("seconds", Number, "The seconds spent on the run; pauses do not count."), |run| {
        Cell::maybe(run.seconds, Cell::measured)
    }),
    (column("peak_memory", Whole, "The most memory that one of its processes had, in bytes."), |run| {
        Cell::maybe(run.peak_memory, Cell::count)
    }),
    (column("processors", Number, "The number of processors that it kept busy, on average."), |run| {
        Cell::maybe(run.processors, Cell::measured)
    }),
    (column("gpu", Number, "The share of the time in which the GPU was computing."), |run| {
        Cell::maybe(run.gpu, Cell::measured)
    }),
    (
        column(
            "joules",
            Number,
            "The energy of processors and GPU meanwhile, as far as the machine tells it.",
        ),
        |run| Cell::maybe(run.joules, Cell::measured),
    ),
    (
        column(
            "weights",
            Whole,
            "The bytes that the model and its checkpoints take on the disk; 0 where there are none, or none any more.",
        ),
        |run| Cell::count(run.weights),
    ),
    (column("key", Text, "The identity of all that decides the result."), |run| Cell::text(&run.key)),
    (column("dataset", Text, "The hash of the dataset."), |run| optional(run.dataset.as_deref())),
    (column("base", Text, "What the run started from."), |run| optional(run.base.as_deref())),
    (column("folder", Text, "The run's folder, below the store."), |run| Cell::text(&run.folder)),
    (column("cliptune", Text, "The version of cliptune that made the run."), |run| {
        optional(run.cliptune.as_deref())
    }),
    (
        column("git_commit", Text, "The commit that the experiment file was in, with `+` for changes."),
        |run| optional(run.git_commit.as_deref()),
    ),
    (column("host", Text, "The machine."), |run| optional(run.host.as_deref())),
    (column("device", Text, "`cpu`, or the GPU."), |run| optional(run.device.as_deref())),
    (column("threads", Whole, "The number of threads."), |run| Cell::maybe(run.threads, Cell::count)),
];

fn optional(text: Option<&str>) -> Cell<'_> {
    Cell::maybe(text, Cell::text)
}
