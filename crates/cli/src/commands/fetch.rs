//! `cliptune fetch`.

use cliptune_hub::{Hub, HubId, Snapshot, fetch_shown};
use cliptune_terminal::{CommonArgs, Exit, silent_interrupt_flag};
use serde_json::json;

use crate::error::CliError;

/// Download models from the Hugging Face Hub into the cache that Python shares
///
/// Only the files that cliptune reads; what is there already, whoever has fetched it, is not fetched again. Training
/// does the same for an experiment whose `model.from` is a hub id. HF_HOME, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE
/// mean what they mean to Python.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Models, such as openai/clip-vit-base-patch32, or one revision of them: organisation/name@revision
    #[arg(required = true, value_name = "ID")]
    models: Vec<HubId>,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let interrupted = silent_interrupt_flag();
    let hub = Hub::from_env()?;
    let mut fetched = Vec::new();
    for id in &args.models {
        let snapshot = fetch_shown(&hub, id, &printer, &interrupted)?;
        if !printer.is_json() {
            printer.data(&snapshot.folder.display().to_string());
        }
        fetched.push(document(id, &snapshot));
    }
    if printer.is_json() {
        printer.json(&fetched);
    }
    Ok(Exit::Done)
}

fn document(id: &HubId, snapshot: &Snapshot) -> serde_json::Value {
    json!({ "id": id, "commit": snapshot.commit.as_str(), "folder": snapshot.folder })
}
