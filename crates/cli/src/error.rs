//! Why a command failed.

use std::io;
use std::path::{Path, PathBuf};

use cliptune_apply::ApplyError;
use cliptune_clip::model_folder::FolderError;
use cliptune_compare::CompareError;
use cliptune_demo_data::Error as ContestError;
use cliptune_durable::DurableError;
use cliptune_exchange::ExchangeError;
use cliptune_exchange::import::ImportError;
use cliptune_experiment::{LoadError, Split, WriteError};
use cliptune_hub::HubError;
use cliptune_launcher::SeveralProcesses;
use cliptune_native::{Installation, LIBTORCH, Libtorch, Origin, Pinned};
use cliptune_query::QueryError;
use cliptune_sources::SourceError;
use cliptune_store::{RunStatus, StoreError};
use cliptune_terminal::{Diagnostic, Exit, format};

use crate::tool::Tool;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The experiments have errors.
    #[error(transparent)]
    Experiments(#[from] LoadError),
    /// A plan cannot be shown as YAML.
    #[error(transparent)]
    Yaml(#[from] WriteError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cache of remote data cannot be read.
    #[error(transparent)]
    Sources(#[from] SourceError),
    /// There is no copy of an address.
    #[error("there is no copy of {address}")]
    NoCopy {
        /// The address.
        address: String,
    },
    /// A model cannot be fetched.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// A model folder cannot be read or written.
    #[error(transparent)]
    Model(#[from] FolderError),
    /// A model cannot be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A run has no model.
    #[error("{run} has no model: it is {status}")]
    NoModel {
        /// The run's name.
        run: String,
        /// The run's status.
        status: RunStatus,
    },
    /// Runs cannot be written for another tool.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// An option has no meaning with the others.
    #[error("{option} is for {of} alone")]
    OnlyFor {
        /// The option.
        option: &'static str,
        /// What it is for.
        of: &'static str,
    },
    /// A layout is that of one model.
    #[error("a layout is of one model, and {count} are named")]
    OneModel {
        /// The number of names.
        count: usize,
    },
    /// A soup needs at least two runs.
    #[error("a soup is made of two runs or more{}", run.as_ref().map(|run| format!(", not of {run} alone")).unwrap_or_default())]
    OneRun {
        /// The name of the only run, if there is one.
        run: Option<String>,
    },
    /// The models differ in a way that rules out averaging them.
    #[error("{first} and {second} have different {what}")]
    Unlike {
        /// The property in which they differ.
        what: &'static str,
        /// The name of the first run.
        first: String,
        /// The name of the run that differs from it.
        second: String,
    },
    /// The report cannot be read.
    #[error(transparent)]
    Report(#[from] cliptune_report::ReportError),
    /// A file or a folder could not be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// A file operation failed; fs-err has put the operation and the path into the message.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The demo contest cannot be drawn.
    #[error(transparent)]
    DemoData(#[from] ContestError),
    /// A page was asked for on a terminal.
    #[error("a page is for a browser, and standard output is a terminal")]
    PageOnTerminal {
        /// The command, without the option that asks for the page.
        command: &'static str,
    },
    /// A page of items was asked for, and no run says which dataset holds them.
    #[error("a page shows the images of a run's dataset, and no run is named")]
    PageWithoutRun,
    /// A page was asked for of rejects without a reason.
    #[error("a page shows what was rejected for one reason")]
    PageWithoutReason,
    /// A tool's program was not found.
    #[error("there is no {name} beside {}{}", beside.display(), if *in_path { " or in PATH" } else { "" })]
    NoTool {
        /// The name of the program.
        name: String,
        /// The program whose folder was searched first.
        beside: PathBuf,
        /// Whether PATH was searched, too.
        in_path: bool,
    },
    /// The variable for a libtorch names a folder that is none.
    #[error("there is no libtorch in {}, which {LIBTORCH} names", folder.display())]
    NoLibtorch {
        /// The folder.
        folder: PathBuf,
    },
    /// The loader finds no libtorch to train with.
    #[error("there is no libtorch to train with")]
    MissingLibtorch,
    /// The loader finds a libtorch of another version than cliptune was built against.
    #[error(
        "{} is of libtorch {}, and cliptune was built against {}",
        found.file.display(),
        found.version.as_deref().unwrap_or("?"),
        Pinned::Torch.version()
    )]
    OtherLibtorch {
        /// The libtorch.
        found: Libtorch,
    },
    /// A tool's program cannot be started.
    #[error("cannot start {}", program.display())]
    Start {
        /// The path of the program.
        program: PathBuf,
        /// The error that starting it gave.
        source: io::Error,
    },
    /// A tool's program was ended by a signal.
    #[error("{} was ended by {signal}", tool.program())]
    Killed {
        /// The tool that was running.
        tool: Tool,
        /// The name of the signal, or its number if it has no name.
        signal: String,
    },
    /// A command was started as several processes, and is work for one.
    #[error(transparent)]
    Several(#[from] SeveralProcesses),
    /// No experiments were named, and there are none in the usual folder.
    #[error("there are no experiments in {}", folder.display())]
    NoExperiments {
        /// The folder that was searched.
        folder: PathBuf,
    },
    /// The runs cannot be listed or queried.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// An argument is neither an experiment with runs nor a file.
    #[error("{name} is neither an experiment in the store nor a file")]
    NoExperiment {
        /// The argument.
        name: String,
        /// The experiment that may have been meant.
        similar: Option<String>,
    },
    /// An option was given that says something about experiment files, without any.
    #[error("{option} is about experiment files, and none is given")]
    NeedsFiles {
        /// The option.
        option: &'static str,
    },
    /// It is not known of every experiment which runs its file stands for, so that none of them can be called stale.
    #[error("which runs are stale cannot be said, because the standing of an experiment is not known")]
    UnknownStanding,
    /// A run cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The items of an experiment are not those of one dataset that is there.
    #[error("{name} has {}", match found { 0 => "no dataset".to_owned(), found => format!("{found} datasets") })]
    NoOneDataset {
        /// The experiment.
        name: String,
        /// The number of datasets that are there.
        found: usize,
    },
    /// Files name another number of experiments than one.
    #[error("{} names {}", path.display(), format::counted(*found as u64, "experiment"))]
    NotOneExperiment {
        /// The file or folder.
        path: PathBuf,
        /// The number of experiments.
        found: usize,
    },
    /// An imported run has no predictions of a split.
    #[error("{name} has no predictions of the {split} split")]
    NoPredictions {
        /// The name of the side.
        name: String,
        /// The split.
        split: Split,
    },
    /// Predictions of somebody else cannot be used.
    #[error(transparent)]
    Predictions(CompareError),
    /// The answers of two sides cannot be compared.
    #[error("cannot compare {side} with {baseline}")]
    Compare {
        /// The name of the one side.
        side: String,
        /// The name of the baseline.
        baseline: String,
        /// The reason.
        source: CompareError,
    },
    /// A baseline stands for several sets of settings.
    #[error("the baseline stands for {} settings: {}", points.len(), format::first_few(points))]
    SeveralBaselines {
        /// The names of the settings.
        points: Vec<String>,
    },
    /// A side has no answers to the items of a split.
    #[error("{name} is not scored on the {split} split")]
    NotScored {
        /// The name of the side.
        name: String,
        /// The split.
        split: Split,
    },
    /// No run stands for what experiment files say now.
    #[error("no run stands for what {} says now", path.display())]
    NotRun {
        /// The file, or the folder of files.
        path: PathBuf,
    },
    /// A comparison needs something to compare the baseline with.
    #[error("there is nothing to compare {baseline} with")]
    NothingToCompare {
        /// The name of the baseline.
        baseline: String,
    },
    /// Two sides of a comparison have items of different kinds.
    #[error("{name} has items of another kind than {baseline}")]
    OtherTask {
        /// The name of the one side.
        name: String,
        /// The name of the baseline.
        baseline: String,
    },
    /// There is no command of that name.
    #[error("there is no command {}", format::visible(name))]
    NoCommand {
        /// The name.
        name: String,
        /// The command that may have been meant.
        similar: Option<String>,
    },
    /// Nobody has said that the runs that a condition is true of are to be removed.
    #[error("nothing was removed, because nobody confirmed that {} may go", format::counted(*runs as u64, "run"))]
    Unconfirmed {
        /// The number of runs.
        runs: usize,
    },
    /// Questions were asked for, and nobody can answer them.
    #[error("--interactive asks in a terminal, and nobody can answer there")]
    NobodyToAsk,
    /// Nothing in a table can be what a template is about.
    #[error("nothing in the table can be the items of --template {template}")]
    NoItems {
        /// The word that names the template.
        template: &'static str,
    },
    /// A new experiment file would not say what is meant.
    #[error("{} cannot say what is meant", file.display())]
    Unsayable {
        /// The file, which was not written.
        file: PathBuf,
    },
    /// A command of Slurm is missing.
    #[error("there is no {program} in PATH")]
    NoSlurm {
        /// The name of the command.
        program: &'static str,
    },
    /// A command of Slurm failed.
    #[error("{program} failed: {}", format::visible(said))]
    Slurm {
        /// The name of the command.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// A command of Slurm did not answer in time.
    #[error("{program} has not answered within {seconds} s")]
    SlurmSilent {
        /// The name of the command.
        program: &'static str,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Part of a command cannot be written as text.
    #[error("{} is not UTF-8, and commands are written as text", path.display())]
    NoText {
        /// A path or another argument.
        path: PathBuf,
    },
    /// Other runs were found after the question than before it.
    #[error("nothing was removed, because other runs are like that now than those that were listed")]
    ChosenAnew,
    /// No run in the store has the given name.
    #[error("{}", no_run(name, store))]
    NoRun {
        /// The name that was asked for.
        name: String,
        /// The store's folder.
        store: PathBuf,
        /// The name of a run that may have been meant.
        similar: Option<String>,
    },
    /// A name by which no run is removed, because it may stand for another one with the next scores.
    #[error("{} stands for {run} only until the next scores", format::visible(name))]
    MayChange {
        /// The name that was asked for.
        name: String,
        /// The name of the run that it stands for now.
        run: String,
    },
    /// The experiment file of a run would not say what the run's record says.
    #[error("no experiment file can say what the record of {run} says")]
    Unfaithful {
        /// The run's name.
        run: String,
    },
    /// Two names stand for one run, which differs in nothing from itself.
    #[error("both names stand for {run}")]
    SameRun {
        /// The run's name.
        run: String,
    },
    /// The old and the new place are one.
    #[error("{} has not moved: both paths are the same", path.display())]
    NotMoved {
        /// The path.
        path: PathBuf,
    },
    /// Something is not removed, because others need it or a person wants it kept.
    #[error("{name} is kept: {}", reasons.join(", and "))]
    Needed {
        /// The name of the run or the dataset.
        name: String,
        /// The reasons, in words.
        reasons: Vec<String>,
    },
    /// A name does not stand for exactly one dataset.
    #[error("{found} datasets of {store} have a hash that begins with {name}")]
    NoDataset {
        /// The name that was given.
        name: String,
        /// The store's folder.
        store: String,
        /// The number of datasets.
        found: usize,
    },
    /// Nothing in the trash has the given name.
    #[error("there is nothing named {name} in the trash")]
    NotInTrash {
        /// The name that was given.
        name: String,
    },
    /// Several runs in the store match the given name.
    #[error("{name} stands for {} runs: {}", runs.len(), format::first_few(runs))]
    AmbiguousRun {
        /// The name that was asked for.
        name: String,
        /// The names of the matching runs.
        runs: Vec<String>,
    },
}

fn no_run(name: &str, store: &Path) -> String {
    match name {
        "" => "the name of a run is empty".to_owned(),
        name => format!("there is no run {name} in {}", store.display()),
    }
}

/// Says what brings the right libtorch in place of one of another version.
fn instead_of(found: &Libtorch) -> String {
    let advice = Installation::of_this_program().advice(Pinned::Torch);
    // Only a variable has precedence, and for that the program does not matter.
    match Origin::of(&found.file, Path::new("")) {
        Origin::Variable(name) => format!("{name} leads to it; {advice}"),
        _ => advice,
    }
}

impl Diagnostic for CliError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Store(error) => return error.hint(),
            Self::Query(error) => return error.hint(),
            Self::Import(error) => return error.hint(),
            Self::NoOneDataset { found: 0, .. } => {
                "`cliptune ingest` makes it of its experiment file".to_owned()
            }
            Self::NoOneDataset { .. } => {
                "predictions are of the items of one dataset; each fold of a cross-validation and each point of a matrix of data has its own"
                    .to_owned()
            }
            Self::NotOneExperiment { .. } => "name the file of one experiment, or its name".to_owned(),
            Self::NoPredictions { .. } => {
                "`cliptune import` takes predictions, with the experiment whose items they answer and --split".to_owned()
            }
            Self::NoExperiment { similar: Some(similar), .. } => format!("did you mean {similar}?"),
            Self::NoExperiment { .. } => "`cliptune ls` lists all experiments that have runs".to_owned(),
            Self::Durable(error) => return error.hint().map(str::to_owned),
            Self::Hub(error) => return error.hint(),
            Self::Several(error) => return error.hint(),
            Self::Sources(error) => return error.hint(),
            Self::NoCopy { .. } => "`cliptune cache ls` lists the copies".to_owned(),
            Self::Model(error) => return error.hint(),
            Self::Apply(error) => return error.hint(),
            Self::Exchange(error) => return error.hint(),
            Self::OneModel { .. } => "name one run, or export several with --as".to_owned(),
            Self::OneRun { .. } => "name several runs, or an experiment with several `seeds`".to_owned(),
            Self::Unlike { .. } => "only models that started as one can be averaged".to_owned(),
            Self::NoModel { .. } => "`cliptune run` or `cliptune train` finishes it".to_owned(),
            Self::Report(error) => return error.hint(),
            Self::PageOnTerminal { command } => format!("write it to a file: `{command} --html > page.html`"),
            Self::PageWithoutRun => "name an experiment or a run beside the predictions".to_owned(),
            Self::PageWithoutReason => "name the reason; --rejects without --html lists them".to_owned(),
            Self::NoLibtorch { .. } => format!(
                "{LIBTORCH} is the folder above lib/libtorch_cpu.so; without it, cliptune takes the libtorch that it was built with"
            ),
            Self::MissingLibtorch => Installation::of_this_program().advice(Pinned::Torch),
            Self::OtherLibtorch { found } => instead_of(found),
            Self::NoTool { .. } => Installation::of_this_program().advice_on_programs(),
            Self::Killed { signal, .. } if signal == "SIGKILL" => {
                "nobody but the system sends it: most often, memory ran out. A smaller train.batch_size needs less"
                    .to_owned()
            }
            Self::Killed { signal, .. } if signal == "SIGABRT" => {
                "most often, memory ran out: `ulimit -v` shows the limit, and a smaller train.batch_size needs less"
                    .to_owned()
            }
            Self::Killed { .. } => "this is a bug in cliptune or in a library it uses; please report it".to_owned(),
            Self::NoExperiments { .. } => "name an experiment file or a folder of them".to_owned(),
            Self::NoCommand { similar: Some(similar), .. } => format!("did you mean {similar}?"),
            Self::NoCommand { .. } => "`cliptune help` lists the commands".to_owned(),
            Self::Unconfirmed { .. } => {
                "`cliptune ls` lists them with the same options; --yes moves them to the trash".to_owned()
            }
            Self::NobodyToAsk => "without --interactive, the likeliest is taken, and what else is plausible is in the file".to_owned(),
            Self::NoItems { .. } => "without --template, the likeliest kind is taken; `cliptune help new` lists the kinds".to_owned(),
            Self::NoSlurm { .. } => {
                "jobs are submitted from a host of the cluster; `cliptune plan --json` has the same steps for any other scheduler"
                    .to_owned()
            }
            Self::Slurm { program: "sbatch", .. } => {
                "options behind `--` reach sbatch as they are; --dry-run shows all jobs; what was submitted already is not submitted again"
                    .to_owned()
            }
            Self::SlurmSilent { .. } => {
                "`scontrol ping` says whether Slurm's controller can be reached; the same command goes on from here".to_owned()
            }
            Self::NoText { .. } => "a name of UTF-8 text can be planned; `cliptune run` takes any".to_owned(),
            Self::Unsayable { .. } => "a path that is not UTF-8 can be the reason".to_owned(),
            Self::ChosenAnew => "the same command lists those of now".to_owned(),
            Self::UnknownStanding => "the warnings say what is unknown; without --stale, --filter alone asks no experiment file".to_owned(),
            Self::NoRun { similar: Some(similar), .. } => format!("did you mean {similar}?"),
            Self::NoRun { name, .. } if name.is_empty() => "a variable of the shell may not be set".to_owned(),
            Self::NoRun { .. } => "`cliptune ls` lists the runs".to_owned(),
            // No command line: without the options of this one, it would remove more.
            Self::MayChange { run, .. } => format!("name it: {run}"),
            Self::Unfaithful { run } => format!(
                "a path that is not UTF-8 can be the reason; `cliptune show {run} --json` has the record's plan"
            ),
            Self::SameRun { .. } => "`cliptune ls` lists the runs".to_owned(),
            Self::Compare { source, .. } | Self::Predictions(source) => return source.hint(),
            Self::SeveralBaselines { .. } => "name a run of one of them; `cliptune ls` lists the runs".to_owned(),
            Self::NotScored { .. } => {
                "`cliptune score` with its experiment file scores the splits that `score.splits` names".to_owned()
            }
            Self::NotRun { path } => format!(
                "`cliptune run {}` makes it; runs of other settings or data have names, which `cliptune ls` lists",
                path.display()
            ),
            Self::OtherTask { .. } => {
                "only items of one kind can be compared; name the experiments that have the same".to_owned()
            }
            Self::NothingToCompare { .. } => "name another experiment or run after it".to_owned(),
            Self::Needed { .. } => "--force removes it all the same, into the trash".to_owned(),
            Self::NoDataset { .. } => "write as much of the hash as stands for one; `cliptune show RUN` has it".to_owned(),
            Self::NotInTrash { .. } => "`cliptune restore --list` lists what is in it".to_owned(),
            Self::AmbiguousRun { name, .. } if name.contains('@') => {
                "they differ in their settings; write as much of a name as stands for one of them".to_owned()
            }
            Self::AmbiguousRun { .. } => {
                "write a little more of the name, or its seed behind the experiment, as in tuned@0".to_owned()
            },
            _ => return None,
        };
        Some(hint)
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Experiments(_)
            | Self::NoExperiments { .. }
            | Self::PageOnTerminal { .. }
            | Self::PageWithoutRun
            | Self::PageWithoutReason
            | Self::NoExperiment { .. }
            | Self::NeedsFiles { .. }
            | Self::UnknownStanding
            | Self::NoCommand { .. }
            | Self::Unconfirmed { .. }
            | Self::ChosenAnew
            | Self::NoText { .. }
            | Self::NobodyToAsk
            | Self::NoItems { .. }
            | Self::NoRun { .. }
            | Self::MayChange { .. }
            | Self::NoModel { .. }
            | Self::OnlyFor { .. }
            | Self::OneModel { .. }
            | Self::OneRun { .. }
            | Self::Unlike { .. }
            | Self::Durable(DurableError::Occupied { .. })
            | Self::NoCopy { .. }
            | Self::NoLibtorch { .. }
            | Self::SameRun { .. }
            | Self::Compare { .. }
            | Self::Predictions(_)
            | Self::SeveralBaselines { .. }
            | Self::NotScored { .. }
            | Self::NoOneDataset { .. }
            | Self::NotOneExperiment { .. }
            | Self::NoPredictions { .. }
            | Self::NotRun { .. }
            | Self::NothingToCompare { .. }
            | Self::OtherTask { .. }
            | Self::NotMoved { .. }
            | Self::Needed { .. }
            | Self::NoDataset { .. }
            | Self::NotInTrash { .. }
            | Self::AmbiguousRun { .. } => Exit::Usage,
            Self::DemoData(
                ContestError::Cartoons { .. } | ContestError::Occupied(_) | ContestError::OtherContest { .. },
            ) => Exit::Usage,
            Self::Store(error) => error.exit(),
            Self::Apply(error) => error.exit(),
            Self::Exchange(error) => error.exit(),
            Self::Query(error) => error.exit(),
            Self::Import(error) => error.exit(),
            Self::Hub(error) => error.exit(),
            Self::Several(error) => error.exit(),
            Self::Sources(error) => error.exit(),
            Self::Report(error) => error.exit(),
            _ => Exit::Failed,
        }
    }

    fn rendered(&self) -> Option<String> {
        match self {
            Self::Experiments(error) => Some(error.rendered()),
            _ => None,
        }
    }
}
