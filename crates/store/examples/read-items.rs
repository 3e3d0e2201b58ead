//! Measures what reading a dataset takes: `read-items write FOLDER ITEMS` makes one of pairs, and `read-items columns
//! FOLDER` or `read-items one-by-one FOLDER` reads it as training does or item by item, and prints seconds and MiB.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use cliptune_experiment::Split;
use cliptune_store::{ITEMS, Part, REJECTS, Store, open_database, write_dataset};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", folder, items] => write(Path::new(folder), items.parse()?),
        [how, folder] => read(how, Path::new(folder)),
        _ => Err("write FOLDER ITEMS, columns FOLDER, or one-by-one FOLDER".into()),
    }
}

/// Writes pairs with a caption each, ten to an image, below a folder that is a store with one dataset to copy.
fn write(folder: &Path, items: u64) -> Result<()> {
    let store = Store::open(folder)?;
    let sample =
        store.datasets()?.into_iter().next().ok_or("the store has no dataset whose record could be used")?;
    let database = open_database()?;
    database.execute_batch(&format!(
        "{}; {}; INSERT INTO items SELECT format('{{:016x}}', i), CAST(i AS VARCHAR), [CAST(i AS VARCHAR)],
         CAST(i // 10 AS VARCHAR), CASE i % 10 WHEN 0 THEN 'validation' WHEN 1 THEN 'test' ELSE 'train' END, 0,
         'images/' || (i // 10) || '.jpeg', sha256(CAST(i // 10 AS VARCHAR)), 600, 450,
         ['a caption of some ten words that is number ' || i || ' of all'], 0, 1, [] FROM range({items}) AS r(i)",
        ITEMS.create("items"),
        REJECTS.create("rejects"),
    ))?;
    Ok(write_dataset(sample.folder(), sample.record(), &database, "FROM items", "FROM rejects")?)
}

fn read(how: &str, folder: &Path) -> Result<()> {
    let sample = Store::open(folder)?.datasets()?.into_iter().next().ok_or("the store has no dataset")?;
    let begun = Instant::now();
    let count = match how {
        "columns" => {
            let parts = [Part::Identity, Part::Group, Part::Image, Part::Texts];
            let items = sample.columns(&[Split::Validation, Split::Train], &parts)?;
            let texts: usize = items.all().iter().map(|item| item.text_numbers().len()).sum();
            format!("{} items, {texts} texts", items.all().len())
        }
        _ => {
            let read = |split| sample.items(Some(split));
            let items = [read(Split::Validation)?, read(Split::Train)?].concat();
            format!("{} items", items.len())
        }
    };
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    writeln_out(&format!("{count}: {:.2} s, {}", begun.elapsed().as_secs_f64(), peak.trim()))
}

fn writeln_out(text: &str) -> Result<()> {
    use std::io::Write;
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
