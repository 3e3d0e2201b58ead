//! `cliptune export RUN --layout LAYOUT`: a model as another library lays it out.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use cliptune_clip::ModelFolder;
use cliptune_clip::model_folder::FolderLayout;
use cliptune_durable::StagedFolder;
use cliptune_store::{Origin, Store};
use cliptune_terminal::{CommonArgs, Exit, Printer, format};
use serde_json::json;

use crate::error::CliError;
use crate::model::Named;
use crate::selection::{complete, short};

/// Whose layout.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Layout {
    /// For `CLIPModel.from_pretrained` and `SiglipModel.from_pretrained` of transformers
    HuggingFace,
    /// For `create_model_and_transforms("local-dir:DIR")` of open_clip
    #[value(name = "open_clip", alias = "open-clip")]
    OpenClip,
}

impl From<Layout> for FolderLayout {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::HuggingFace => Self::HuggingFace,
            Layout::OpenClip => Self::OpenClip,
        }
    }
}

/// Writes the model of a run, or of a folder.
pub(super) fn write(name: &str, layout: Layout, to: &Path, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let Source { folder, origin } = Source::named(name, common)?;
    let model = ModelFolder::open(&folder)?;
    warn_of_extra(&model, &printer);
    let staged = StagedFolder::claiming(to)?;
    model.write(layout.into(), staged.path())?;
    if let Some(origin) = origin {
        origin.write(staged.path())?;
    }
    staged.claim()?;
    match printer.is_json() {
        true => printer.json(&json!({ "from": model.folder, "folder": to })),
        false => printer.data(&to.display().to_string()),
    }
    Ok(Exit::Done)
}

/// The model to export.
struct Source {
    folder: PathBuf,
    /// The runs that the model was made from, if they are known.
    origin: Option<Origin>,
}

impl Source {
    /// Returns the model of the run with this name or, when there is no such run, the model folder at this path.
    fn named(name: &str, common: &CommonArgs) -> Result<Self, CliError> {
        let run = match Named::find(&Store::open(&common.store)?, name)? {
            Named::Folder(folder) => return Ok(Self { origin: Origin::read(&folder)?, folder }),
            Named::Run(run) => complete(*run)?,
        };
        // The origin comes from the run's record and not from the folder: a damaged copy there must not make this fail.
        Ok(Self { folder: run.model_folder(), origin: Some(Origin::of(std::slice::from_ref(&run))) })
    }
}

fn warn_of_extra(model: &ModelFolder, printer: &Printer) {
    let extra = model.checkpoint.extra();
    if !extra.is_empty() {
        let count = format::counted(extra.len() as u64, "tensor");
        let names = format::first_few(extra);
        printer.warn(&format!("{count} of {} left out: {names}", short(&model.folder)));
    }
}
