//! `cliptune rm`.

mod chosen;
mod damaged;

use std::collections::BTreeSet;

use cliptune_experiment::Split;
use cliptune_store::{
    AnyRun, Dataset, Dependents, Family, Labels, Listed, Run, Space, Store, StoreError, StoreLock,
    read_precisions, read_scores,
};
use cliptune_terminal::{CommonArgs, Exit, Printer};

use crate::error::{CliError, NameError, RemovalError};
use crate::removal::{Removed, reasons, table, the_only_run};
use crate::selection::short;

/// Move runs to the trash
///
/// What depends on each of them is listed first. A run that others were made from, or that is pinned, is removed only with
/// --force, and one that a process works on never. `cliptune restore` brings back what was removed; only `cliptune gc` deletes
/// anything for good. A run whose record is damaged is named by its folder. With --filter or --stale, all runs go that `cliptune
/// ls` lists with the same options, once somebody has confirmed the list.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("chosen").multiple(true).args(["filter", "stale"])))]
pub(crate) struct Args {
    /// Runs as `cliptune show` takes them, where the name leaves no doubt: `tuned` and `tuned@0` stand for all of their runs;
    /// with --filter or --stale, experiments by name or by file
    #[arg(value_name = "RUN", required_unless_present = "filter")]
    names: Vec<String>,

    /// The runs that a condition in SQL is true of, as `cliptune ls --filter` lists them
    #[arg(long, value_name = "SQL", conflicts_with = "dataset")]
    filter: Option<String>,

    /// The runs that the experiment files no longer stand for, as `cliptune ls --stale` lists them
    #[arg(long, conflicts_with = "dataset")]
    stale: bool,

    /// Do not ask whether all that is listed is to go
    #[arg(long, requires = "chosen")]
    yes: bool,

    /// Remove the weights alone: model/, onnx/, adapter/ and checkpoint/; the records and the scores stay
    #[arg(long)]
    weights: bool,

    /// The names are the beginnings of hashes of datasets
    #[arg(long, conflicts_with = "weights")]
    dataset: bool,

    /// Remove what others were made from, or what is pinned
    #[arg(long)]
    force: bool,
}

impl Args {
    /// Returns whether it matters what experiments stand for.
    pub(crate) fn reads_experiments(&self) -> bool {
        self.filter.is_some() || self.stale
    }
}

/// Something that is to be moved to the trash.
struct Going<T> {
    what: T,
    removed: Removed,
    /// Why it should stay.
    reasons: Vec<String>,
}

impl<T> Going<T> {
    /// Says why it should stay, and which reports show it.
    fn announce(&self, printer: &Printer) {
        let name = &self.removed.name;
        self.reasons.iter().for_each(|reason| printer.status(&format!("{name}: {reason}")));
        let reports = self.removed.dependents.iter().flat_map(|found| &found.reports);
        reports.for_each(|report| printer.status(&format!("{name}: the report {report} shows it")));
    }
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let store = Store::existing(&common.store)?;
    let removed = match () {
        () if args.dataset => datasets(&store, args, &printer)?,
        () if args.reads_experiments() => chosen::runs(&store, args, common, &printer)?,
        () => {
            let (named, broken) = named(&store, args)?;
            runs(&store, named, broken, args, &printer)?
        }
    };
    match printer.is_json() {
        true => printer.json(&removed),
        false if removed.is_empty() => {}
        false => table(&removed, &printer),
    }
    Ok(Exit::Done)
}

/// Returns the runs that the command line names, and those of them whose records cannot be read.
fn named(store: &Store, args: &Args) -> Result<(Vec<AnyRun>, Vec<damaged::Damaged>), CliError> {
    let mut ids = BTreeSet::new();
    let (mut named, mut broken) = (Vec::new(), Vec::new());
    for name in &args.names {
        match the_only_run(store, name) {
            Ok(run) => named.extend(ids.insert(run.id()).then_some(run)),
            Err(error) => {
                let (folder, damage) = damaged::the_only(store, name, args.weights, error)?;
                broken.extend(ids.insert(store.id_of(&folder)).then_some((folder, damage)));
            }
        }
    }
    Ok((named, broken))
}

/// Moves runs to the trash, all of them or none.
fn runs(
    store: &Store,
    named: Vec<AnyRun>,
    broken: Vec<damaged::Damaged>,
    args: &Args,
    printer: &Printer,
) -> Result<Vec<Removed>, CliError> {
    let lock = store.lock()?;
    let removal = Removal::of(store, named, broken, args)?;
    removal.announce(printer);
    removal.refuse(args.force)?;
    removal.carry_out(store, &lock, args.weights, printer)
}

/// All the runs that are to go, with what depends on them.
struct Removal {
    runs: Vec<Going<AnyRun>>,
    broken: Vec<Going<damaged::Damaged>>,
}

impl Removal {
    /// Looks up what depends on the runs, none of which may be at work.
    fn of(
        store: &Store,
        named: Vec<AnyRun>,
        broken: Vec<damaged::Damaged>,
        args: &Args,
    ) -> Result<Self, CliError> {
        let of_broken = broken.iter().map(|(folder, _)| store.id_of(folder));
        let ids: BTreeSet<String> = named.iter().map(Listed::id).chain(of_broken).collect();
        let all = store.runs()?.runs;
        let family = Family::of(store, &all);
        // Those whose weights alone go still need the weights that they were made from, to be made again.
        let goes_too = |id: &str| !args.weights && ids.contains(id);
        let broken_folders = broken.iter().map(|(folder, _)| folder.as_path());
        store.require_idle(named.iter().map(Listed::folder).chain(broken_folders))?;
        if args.weights {
            named.iter().try_for_each(expect_weights)?;
        }
        let runs = named.into_iter().map(|run| going(run, args.weights, &family, &goes_too));
        let broken = broken.into_iter().map(|one| damaged::going(store, one, &family, &goes_too));
        Ok(Self { runs: runs.collect::<Result<_, _>>()?, broken: broken.collect::<Result<_, _>>()? })
    }

    /// Lists what depends on each of the runs, and what else goes with them.
    fn announce(&self, printer: &Printer) {
        announce(&self.runs, printer);
        damaged::announce(&self.broken, printer);
    }

    /// Refuses all of them when one should stay.
    fn refuse(&self, force: bool) -> Result<(), CliError> {
        refuse(&self.runs, force)?;
        refuse(&self.broken, force)
    }

    fn carry_out(
        self,
        store: &Store,
        lock: &StoreLock,
        weights: bool,
        printer: &Printer,
    ) -> Result<Vec<Removed>, CliError> {
        let runs = self.runs.into_iter().map(|one| remove(store, lock, one, weights, printer));
        let broken = self.broken.into_iter().map(|one| damaged::remove(store, lock, one, printer));
        runs.chain(broken).collect()
    }
}

/// Makes sure that a run has weights that could be removed.
fn expect_weights(run: &AnyRun) -> Result<(), CliError> {
    match run {
        AnyRun::Own(own) if own.weights_folders().is_empty() => {
            Err(StoreError::NoWeights { run: run.id() }.into())
        }
        AnyRun::Own(_) => Ok(()),
        AnyRun::Foreign(_) => Err(StoreError::Foreign { run: run.id() }.into()),
    }
}

/// Looks up what depends on a run. What is removed with it does not count.
fn going(
    run: AnyRun,
    weights: bool,
    family: &Family<'_>,
    goes_too: &dyn Fn(&str) -> bool,
) -> Result<Going<AnyRun>, CliError> {
    let dependents = without(family.dependents_of(&run.id())?, goes_too);
    let mut why = reasons(&dependents);
    why.extend(pinned(run.labels()));
    let (kind, folders) = match run.own() {
        Some(run) if weights => ("weights", run.weights_folders()),
        _ => ("run", vec![run.folder().to_path_buf()]),
    };
    let bytes = Space::of(folders.iter().map(std::path::PathBuf::as_path))?;
    Ok(Going {
        removed: Removed { kind, name: run.id(), bytes, dependents: Some(dependents) },
        what: run,
        reasons: why,
    })
}

/// Returns what depends on a run and is not removed with it.
fn without(mut dependents: Dependents, goes_too: &dyn Fn(&str) -> bool) -> Dependents {
    dependents.runs.retain(|id| !goes_too(id));
    dependents.soups.retain(|soup| !goes_too(&soup.run));
    dependents
}

/// Says whether a run is pinned, as a reason why it should stay.
fn pinned(labels: Result<Labels, StoreError>) -> Option<String> {
    match labels {
        Ok(labels) => labels.pinned.then(|| "it is pinned".to_owned()),
        Err(error) => Some(format!("whether it is pinned is unknown: {}", error.in_one_line())),
    }
}

fn announce(going: &[Going<AnyRun>], printer: &Printer) {
    for one in going {
        one.announce(printer);
        if one.removed.kind == "run" {
            let held = holds(&one.what);
            if !held.is_empty() {
                printer.status(&format!("{}: it holds {}", one.removed.name, held.join(", ")));
            }
        }
    }
}

/// Names the results that a run holds.
fn holds(run: &AnyRun) -> Vec<String> {
    let scored = Split::ALL.into_iter().filter(|split| matches!(read_scores(run, *split), Ok(Some(_))));
    let mut held: Vec<String> = scored.map(|split| format!("scores on {split}")).collect();
    let has_precisions = |run: &Run| matches!(read_precisions(run), Ok(Some(_)));
    held.extend(run.own().is_some_and(has_precisions).then(|| "measured precisions".to_owned()));
    held
}

fn refuse<T>(going: &[Going<T>], force: bool) -> Result<(), CliError> {
    match going.iter().find(|one| !one.reasons.is_empty()) {
        Some(one) if !force => {
            let (name, reasons) = (one.removed.name.clone(), one.reasons.clone());
            Err(RemovalError::Needed { name, reasons }.into())
        }
        _ => Ok(()),
    }
}

fn remove(
    store: &Store,
    lock: &StoreLock,
    going: Going<AnyRun>,
    weights: bool,
    printer: &Printer,
) -> Result<Removed, CliError> {
    let Going { what: run, removed, .. } = going;
    let what = match run.own() {
        Some(run) if weights => {
            store.trash_weights(lock, run)?;
            "its weights are in the trash"
        }
        _ => {
            store.trash_run(lock, &run)?;
            "it is in the trash"
        }
    };
    printer.status(&format!(
        "{}: {what}; `cliptune restore {}` brings back what was removed",
        removed.name, removed.name
    ));
    Ok(removed)
}

fn datasets(store: &Store, args: &Args, printer: &Printer) -> Result<Vec<Removed>, CliError> {
    let named = args.names.iter().map(|name| dataset(store, name)).collect::<Result<Vec<_>, _>>()?;
    let lock = store.lock()?;
    let all = store.runs()?.runs;
    let family = Family::of(store, &all);
    let going = named.into_iter().map(|dataset| going_dataset(store, dataset, &family, &all));
    let going = going.collect::<Result<Vec<_>, _>>()?;
    for one in &going {
        one.reasons.iter().for_each(|reason| printer.status(&format!("{}: {reason}", one.removed.name)));
    }
    refuse(&going, args.force)?;
    let mut removed = Vec::new();
    for one in going {
        store.trash_dataset(&lock, &one.what)?;
        printer.status(&format!(
            "{}: it is in the trash; `cliptune restore {}` brings it back",
            one.removed.name, one.removed.name
        ));
        removed.push(one.removed);
    }
    Ok(removed)
}

fn going_dataset(
    store: &Store,
    dataset: Dataset,
    family: &Family<'_>,
    all: &[Run],
) -> Result<Going<Dataset>, CliError> {
    let hash = dataset.record().hash.clone();
    let dependents = family.dependents_of_dataset(store, &hash)?;
    let users = all.iter().filter(|run| dependents.runs.contains(&run.id()));
    store.require_idle(users.map(Run::folder))?;
    let mut why = used_by(&dependents);
    why.extend(reasons(&Dependents { runs: Vec::new(), ..dependents.clone() }));
    let name = format!("datasets/{}", dataset.folder().file_name().unwrap_or_default().to_string_lossy());
    let bytes = Space::of([dataset.folder()])?;
    Ok(Going {
        removed: Removed { kind: "dataset", name, bytes, dependents: Some(dependents) },
        what: dataset,
        reasons: why,
    })
}

fn used_by(dependents: &Dependents) -> Vec<String> {
    dependents.runs.iter().map(|run| format!("{run} has seen it")).collect()
}

/// Returns the one dataset whose hash begins like this.
fn dataset(store: &Store, name: &str) -> Result<Dataset, CliError> {
    let hash = name.trim_start_matches("datasets/").trim_end_matches('/');
    let mut found = store.datasets()?;
    found.retain(|dataset| !hash.is_empty() && dataset.record().hash.starts_with(hash));
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        found => {
            let store = short(store.root()).to_string();
            Err(NameError::NoDataset { name: name.to_owned(), store, found }.into())
        }
    }
}
