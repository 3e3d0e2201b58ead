//! Measures what reading takes, in seconds and memory:
//!
//! - `read-items list EXPERIMENT` looks at the sources of an experiment;
//! - `read-items write STORE ITEMS` makes the only dataset of a store one of so many pairs;
//! - `read-items columns STORE` reads it as training does, `read-items one-by-one STORE` item by item.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cliptune_experiment::Split;
use cliptune_store::{
    Dataset, DatasetRecord, ITEMS, Part, REJECTS, Store, TableHashes, open_database, write_dataset,
    write_items, write_rejects,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let begun = Instant::now();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list", experiment] => list(Path::new(experiment))?,
        ["write", store, items] => write(store, &dataset(store)?, items.parse()?)?,
        ["columns", store] => columns(&dataset(store)?)?,
        ["one-by-one", store] => one_by_one(&dataset(store)?)?,
        _ => return Err("list EXPERIMENT, write STORE ITEMS, columns STORE, or one-by-one STORE".into()),
    };
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    let seconds = begun.elapsed().as_secs_f64();
    Ok(writeln!(std::io::stdout(), "{done}: {seconds:.2} s, {}", peak.replace("VmHWM:", "at most"))?)
}

fn dataset(store: &str) -> Result<Dataset> {
    Ok(Store::open(Path::new(store))?.datasets()?.into_iter().next().ok_or("the store has no dataset")?)
}

fn list(experiment: &Path) -> Result<String> {
    let experiments = cliptune_experiment::load(&[PathBuf::from(experiment)], &[])?;
    let plan = experiments.first().and_then(|one| one.plans.first()).ok_or("there is no plan")?;
    let cache = tempfile::tempdir()?;
    let inputs = Store::open(cache.path())?.inputs(&plan.data, &|_, _| {})?;
    Ok(format!("{} images", inputs.images.len()))
}

/// Writes pairs with a caption each, ten to an image.
fn write(store: &str, sample: &Dataset, items: u64) -> Result<String> {
    let database = open_database()?;
    database.execute_batch(&format!(
        "{}; {}; INSERT INTO items SELECT format('{{:016x}}', i), CAST(i AS VARCHAR), [CAST(i AS VARCHAR)],
         CAST(i // 10 AS VARCHAR), CASE i % 10 WHEN 0 THEN 'validation' WHEN 1 THEN 'test' ELSE 'train' END, 0,
         'images/' || (i // 10) || '.jpeg', sha256(CAST(i // 10 AS VARCHAR)), 600, 450,
         ['a caption of some ten words that is number ' || i || ' of all'], 0, 1, [] FROM range({items}) AS r(i)",
        ITEMS.create("items"),
        REJECTS.create("rejects"),
    ))?;
    let staged = Store::open(Path::new(store))?.stage_dataset(&sample.record().hash)?;
    let tables = TableHashes {
        items: write_items(staged.path(), &database, &ITEMS.ordered("FROM items"))?,
        rejects: write_rejects(staged.path(), &database, &REJECTS.ordered("FROM rejects"))?,
    };
    write_dataset(&staged, &DatasetRecord { tables, ..sample.record().clone() })?;
    staged.replace()?;
    Ok(format!("{items} items"))
}

fn columns(sample: &Dataset) -> Result<String> {
    let parts = [Part::Identity, Part::Group, Part::Image, Part::Texts];
    let items = sample.columns(&[Split::Validation, Split::Train], &parts)?;
    let texts: usize = items.all().iter().map(|item| item.text_numbers().len()).sum();
    Ok(format!("{} items with {texts} texts", items.all().len()))
}

fn one_by_one(sample: &Dataset) -> Result<String> {
    let items = [sample.items(Some(Split::Validation))?, sample.items(Some(Split::Train))?].concat();
    Ok(format!("{} items", items.len()))
}
