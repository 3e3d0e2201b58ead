//! `cliptune gc`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use cliptune_durable::discard;
use cliptune_store::{Metric, Run, Space, Store, StoreLock, Trashed};
use cliptune_terminal::{CommonArgs, Exit, Printer, format, whole};
use fs_err as fs;
use serde_json::json;

use crate::error::CliError;
use crate::removal::{Removed, age, table};
use crate::selection::{short, warn_of};
use crate::spare::{Spare, age_of_run, spare};

/// Free space: the only command that deletes anything for good
///
/// Say what may go. With --dry-run, as in `cliptune gc --keep-best 3 --weights --dry-run`, what would go is listed with the
/// space that this would free, and nothing is changed.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("waste").required(true).multiple(true).args(["trash", "unfinished", "cache", "keep_best"])))]
pub(crate) struct Args {
    /// Experiment files, or folders of them, whose runs could go: what they start from stays, and so do the records of the
    /// runs that they stand for [default: all runs, and the files in experiments/]
    #[arg(value_name = "EXPERIMENT", requires = "keep_best")]
    experiments: Vec<PathBuf>,

    /// What is in the trash
    #[arg(long)]
    trash: bool,

    /// What killed processes have left half made
    #[arg(long)]
    unfinished: bool,

    /// The cache of the store, which is made again when it is needed
    #[arg(long)]
    cache: bool,

    /// Of every experiment, the completed runs beyond the best N
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    keep_best: Option<usize>,

    /// The metric that says which are best, such as test.accuracy [default: the first one of the validation split]
    #[arg(long, value_name = "METRIC", requires = "keep_best")]
    by: Option<Metric>,

    /// Of the runs beyond the best N, the weights alone
    #[arg(long, requires = "keep_best")]
    weights: bool,

    /// Keep what is pinned
    #[arg(long, value_name = "true|false", default_value = "true", default_missing_value = "true", num_args = 0..=1)]
    #[arg(require_equals = true, action = clap::ArgAction::Set, requires = "keep_best", hide_possible_values = true)]
    keep_pinned: bool,

    /// Only what is older than this, such as 30d, 2w or 12h: since it was removed, left, used or completed
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Duration>,

    /// Change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    /// Returns whether it matters what experiments stand for.
    pub(crate) fn reads_experiments(&self) -> bool {
        self.keep_best.is_some()
    }
}

/// Something that goes.
enum Waste {
    /// A run, or its weights.
    Run { run: Box<Run>, weights: bool },
    /// An entry of the trash.
    Trashed(Trashed),
    /// A file or a folder that nobody reads.
    Path { kind: &'static str, path: PathBuf },
}

impl Waste {
    fn kind(&self) -> &'static str {
        match self {
            Self::Run { weights: true, .. } => "weights",
            Self::Run { weights: false, .. } => "run",
            Self::Trashed(_) => "trash",
            Self::Path { kind, .. } => kind,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Run { run, .. } => run.id(),
            Self::Trashed(entry) => format!("{} of {}", entry.kind().as_str(), entry.id()),
            Self::Path { path, .. } => short(path).to_string(),
        }
    }

    /// Returns what is deleted.
    fn paths(&self) -> Vec<PathBuf> {
        match self {
            Self::Run { run, weights: true } => run.weights_folders(),
            Self::Run { run, weights: false } => vec![run.folder().to_path_buf()],
            Self::Trashed(entry) => vec![entry.folder().to_path_buf()],
            Self::Path { path, .. } => vec![path.clone()],
        }
    }

    /// Measures what is deleted, before it is.
    fn space(&self) -> Result<Space, CliError> {
        let mut space = Space::default();
        self.paths().iter().try_for_each(|path| space.add(path))?;
        Ok(space)
    }

    /// Deletes it. A run goes through the trash, so that it is either there as a whole or gone.
    fn delete(&self, store: &Store, lock: &StoreLock) -> Result<(), CliError> {
        match self {
            Self::Run { run, weights } => {
                let entry =
                    if *weights { store.trash_weights(lock, run)? } else { store.trash_run(lock, run)? };
                Ok(store.forget(lock, &entry)?)
            }
            Self::Trashed(entry) => Ok(store.forget(lock, entry)?),
            Self::Path { path, .. } => Ok(discard(path)?),
        }
    }
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let store = Store::existing(&common.store)?;
    // One that is only looked at is not locked.
    let lock = (!args.dry_run).then(|| store.lock()).transpose()?;
    let waste = found(args, common, &store, &printer)?;
    let (mut gone, mut space, mut failed) = (Vec::new(), Space::default(), false);
    for one in &waste {
        let measured = one.space();
        let deleted = measured
            .and_then(|own| lock.as_ref().map_or(Ok(()), |lock| one.delete(&store, lock)).map(|()| own));
        match deleted {
            Ok(own) => {
                let (kind, name, bytes) = (one.kind(), one.name(), own.bytes());
                space.merge(own);
                gone.push(Removed { kind, name, bytes, dependents: None });
            }
            Err(error) => {
                printer.failure(&error);
                failed = true;
            }
        }
    }
    tell(args, &gone, space.bytes(), &printer);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

fn tell(args: &Args, gone: &[Removed], bytes: u64, printer: &Printer) {
    if printer.is_json() {
        return printer.json(&json!({ "dry_run": args.dry_run, "freed": bytes, "removed": gone }));
    }
    if gone.is_empty() {
        return printer.status("there is nothing to remove");
    }
    table(gone, printer);
    let (count, bytes) = (format::counted(gone.len() as u64, "thing"), format::bytes(bytes));
    printer.status(&match args.dry_run {
        true => format!("{count} would go, and {bytes} would be free; nothing was changed"),
        false => format!("{count} removed, {bytes} freed"),
    });
}

/// Finds everything that goes.
fn found(args: &Args, common: &CommonArgs, store: &Store, printer: &Printer) -> Result<Vec<Waste>, CliError> {
    let mut waste = Vec::new();
    if let Some(best) = args.keep_best {
        let wanted = Spare {
            best,
            by: args.by.as_ref(),
            weights: args.weights,
            keep_pinned: args.keep_pinned,
            experiments: &args.experiments,
        };
        let runs = spare(&wanted, common, store, printer)?.into_iter();
        let runs = runs.filter(|run| is_older(args, age_of_run(run)));
        waste.extend(runs.map(|run| Waste::Run { run: Box::new(run), weights: args.weights }));
    }
    if args.trash {
        let trash = store.trash()?;
        trash.damaged.iter().for_each(|(_, error)| warn_of(error, printer));
        let lost = trash.lost().filter(|folder| is_older(args, age_of(folder)));
        waste.extend(lost.map(|folder| Waste::Path { kind: "trash", path: folder.to_path_buf() }));
        let entries = trash.entries.into_iter().filter(|entry| is_older(args, entry.age()));
        waste.extend(entries.map(Waste::Trashed));
    }
    if args.unfinished {
        let left = store.leftovers()?.into_iter().filter(|path| is_older(args, age_of(path)));
        waste.extend(left.map(|path| Waste::Path { kind: "unfinished", path }));
    }
    if args.cache {
        waste.extend(cached(args, store)?.into_iter().map(|path| Waste::Path { kind: "cache", path }));
    }
    Ok(waste)
}

/// Checks whether something is old enough to go. What has no age, as after a clock was set back, is not.
fn is_older(args: &Args, age: Option<Duration>) -> bool {
    args.older_than.is_none_or(|limit| age.is_some_and(|age| age >= limit))
}

fn age_of(path: &std::path::Path) -> Option<Duration> {
    let changed = fs::symlink_metadata(path).and_then(|about| about.modified()).ok()?;
    SystemTime::now().duration_since(changed).ok()
}

/// Returns the files and folders directly in the cache.
fn cached(args: &Args, store: &Store) -> Result<Vec<PathBuf>, CliError> {
    let folder = store.cache_folder();
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        paths.insert(entry?.path());
    }
    Ok(paths.into_iter().filter(|path| is_older(args, age_of(path))).collect())
}
