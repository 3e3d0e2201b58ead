//! The model that a command line names.

use std::path::{Path, PathBuf};

use cliptune_apply::{Applied, ApplyError, Proof};
use cliptune_encode::preparation::Preparation;
use cliptune_encode::runtime::Runtime;
use cliptune_experiment::Precision;
use cliptune_pictures::Mode;
use cliptune_store::{Run, RunStatus, Store};
use cliptune_terminal::{CommonArgs, Printer};

use crate::error::{CliError, NameError};
use crate::selection::one_run;

/// A model that a command line names: that of a run, or of a folder.
#[derive(Debug)]
pub(crate) enum Named {
    Run(Box<Run>),
    Folder(PathBuf),
}

impl Named {
    /// Returns the run with this name or, when there is no such run, the model folder at this path.
    pub(crate) fn find(store: &Store, name: &str) -> Result<Self, CliError> {
        match one_run(store, name) {
            Err(CliError::Name(NameError::NoRun { .. })) if Path::new(name).is_dir() => {
                Ok(Self::Folder(PathBuf::from(name)))
            }
            run => run.map(|run| Self::Run(Box::new(run))),
        }
    }
}

/// The model that is put to work.
#[derive(Debug, clap::Args)]
pub(crate) struct ModelArgs {
    /// A run as `cliptune show` takes it, such as tuned@0; the run of an experiment that is best on the validation split
    /// (tuned@best); or the folder of any model
    #[arg(value_name = "MODEL")]
    model: String,

    /// The precision to compute in, of those that the run was exported with
    #[arg(long, value_name = "PRECISION", default_value = "fp32", value_parser = precision)]
    precision: Precision,
}

/// A model that looks at images, which a terminal may show.
#[derive(Debug, clap::Args)]
pub(crate) struct OnImages {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    /// Images, folders of them, globs, tar archives, or parquet files that hold images
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,

    /// How to show pictures in the terminal
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub(crate) pictures: Mode,
}

/// The precisions that there are.
const PRECISIONS: [Precision; 3] = [Precision::Fp32, Precision::Fp16, Precision::Int8];

fn precision(text: &str) -> Result<Precision, String> {
    let named = PRECISIONS.into_iter().find(|precision| precision.as_str() == text);
    named.ok_or_else(|| format!("one of {}", PRECISIONS.map(Precision::as_str).join(", ")))
}

impl ModelArgs {
    /// Returns what names a model and a precision. The error is the precision that there is not.
    pub(crate) fn new(model: &str, name: &str) -> Result<Self, String> {
        let precision = precision(name).map_err(|_| name.to_owned())?;
        Ok(Self { model: model.to_owned(), precision })
    }

    /// Finds the model, and says what is not known of it.
    pub(crate) fn find(&self, common: &CommonArgs, printer: &Printer) -> Result<Applied, CliError> {
        let store = Store::open(&common.store)?;
        let applied = match Named::find(&store, &self.model)? {
            Named::Run(run) if run.status() != RunStatus::Done => {
                return Err(CliError::NoModel { run: run.id(), status: run.status() });
            }
            Named::Run(run) => Applied::of_run(&store, &run, self.precision, printer)?,
            Named::Folder(folder) => Applied::of_folder(&store, &folder, self.precision, printer)?,
        };
        if applied.proof == Proof::Unscored {
            printer.warn(&format!(
                "the graphs of {} have not been compared with libtorch yet: `cliptune score` does that",
                applied.name
            ));
        }
        Ok(applied)
    }
}

/// Starts ONNX Runtime, without its telemetry, and meanwhile reads the model's tokenizer.
pub(crate) fn start(applied: &Applied) -> Result<(Runtime, Preparation), CliError> {
    cliptune_native::silence_onnx_runtime()?;
    let (runtime, preparation) = rayon::join(Runtime::start, || applied.prepare());
    Ok((runtime.map_err(ApplyError::from)?, preparation?))
}
