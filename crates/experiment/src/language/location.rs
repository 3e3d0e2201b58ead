//! Locations of files: folders, files and globs on this machine, and addresses of others.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use cliptune_sources::{Remote, unescaped};

use super::Context;
use super::options::FromValue;
use crate::plan::{Access, Location, RemoteAddress, TableFormat, TableSource};
use crate::problem::{Problem, Problems};
use crate::values::Impossible;
use crate::yaml::{FromNode, Node};

/// Reads a location, or a list of them.
pub(super) fn several(node: &Node, context: &mut Context<'_>) -> Option<Vec<Location>> {
    let read: Vec<Option<Location>> = match node.items() {
        Some(nodes) => nodes.iter().map(|node| location(node, context)).collect(),
        None => vec![location(node, context)],
    };
    read.into_iter().collect()
}

/// Reads the path of a model, which has to be on this machine.
pub(super) fn path(node: &Node, context: &mut Context<'_>) -> Option<PathBuf> {
    match location(node, context)? {
        Location::Local(path) => Some(path),
        Location::Remote(_) => context.problems.refuse(
            Problem::at(node.span, "a model cannot be read from an address")
                .label("expected a local folder or a repository of the hub")
                .help("copy the model to a local folder first"),
        ),
    }
}

/// Reads a location. A path is made absolute.
fn location(node: &Node, context: &mut Context<'_>) -> Option<Location> {
    let written = String::from_node(node)?;
    let local = match written.split_once("://") {
        None => Cow::Borrowed(written.as_str()),
        Some(("file", rest)) => file_address(node, rest, context.problems)?,
        Some(_) => return remote(node, written, context),
    };
    if local == "~" || local.starts_with("~/") {
        let problem = Problem::at(node.span, "`~` has no meaning in a path").label("expected the whole path");
        return context.problems.refuse(problem);
    }
    Some(Location::Local(context.sources.resolve(node.span, &local)))
}

fn remote(node: &Node, written: String, context: &mut Context<'_>) -> Option<Location> {
    if !Remote::is_remote(&written) {
        return context.problems.refuse(
            Problem::at(node.span, "not an address that files can be read from")
                .label("it does not start with gs://, s3://, https://, http:// or file://")
                .help("files elsewhere can be copied to a local folder first"),
        );
    }
    match RemoteAddress::try_from(written) {
        Ok(address) => Some(Location::Remote(address)),
        Err(Impossible(why)) => context.problems.refuse(
            Problem::at(node.span, "not an address that files can be read from")
                .label(why)
                .help("files elsewhere can be copied to a local folder first"),
        ),
    }
}

/// Reads how remote sources are reached.
pub(super) fn access(node: &Node, context: &mut Context<'_>) -> Option<Access> {
    let access = Access::from_value(node, context)?;
    if let (Some(entry), Some(endpoint)) = (node.entry_of("endpoint"), &access.endpoint)
        && !Remote::is_service(endpoint)
    {
        context.problems.add(
            Problem::at(entry.value.span, "not the address of a service")
                .label("expected an address that starts with `https://` or `http://`, without a user"),
        );
    }
    Some(access)
}

/// Returns the path of `file:///a/b` or `file://localhost/a/b`, in which `%20` is a space.
fn file_address<'a>(node: &Node, rest: &'a str, problems: &mut Problems) -> Option<Cow<'a, str>> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let problem = match (path.starts_with('/'), unescaped(path)) {
        (true, Some(path)) => return Some(path),
        (true, None) => Problem::at(node.span, "a `file://` address whose path is no text")
            .label("expected the bytes after each `%` to be UTF-8"),
        (false, _) => Problem::at(node.span, "a `file://` address of another host")
            .label("expected three slashes: `file:///folder/file`"),
    };
    problems.refuse(problem)
}

/// Reads the locations of a table, and its format from their file names.
pub(super) fn table(node: &Node, context: &mut Context<'_>) -> Option<TableSource> {
    let files = node.get("file").unwrap_or(node);
    let locations: Vec<Location> = several(files, context)?.into_iter().map(tables_in).collect();
    let format = common_format(files, &locations, context)?;
    match node.entry_of("table").filter(|_| format != TableFormat::Database) {
        Some(named) => context.problems.refuse(
            Problem::at(named.key_span, "`table` has a meaning only with a database")
                .label("expected no `table`: the file is one"),
        ),
        None => Some(TableSource { locations, format, table: node.read("table") }),
    }
}

/// Replaces a folder by the glob of the tables that lie directly in it, if these are of one kind: only their names tell
/// which format they have.
fn tables_in(location: Location) -> Location {
    match location.local().and_then(|folder| Some(folder.join(format!("*.{}", only_ending(folder)?)))) {
        Some(tables) => Location::Local(tables),
        None => location,
    }
}

/// Returns the one ending of all tables in a folder.
fn only_ending(folder: &Path) -> Option<String> {
    let names = fs_err::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut endings =
        names.filter(|name| !name.starts_with('.')).filter_map(|name| Some(ending(&name)?.to_owned()));
    let first = endings.next()?;
    endings.all(|ending| ending == first).then_some(first)
}

/// Returns the ending of a table's name, with that of its compression.
fn ending(name: &str) -> Option<&str> {
    table_format(name)?;
    let plain = [".gz", ".zst"].into_iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(name);
    let (stem, _) = plain.rsplit_once('.')?;
    name.get(stem.len() + 1..)
}

/// Returns the one format of all files of a table.
fn common_format(node: &Node, locations: &[Location], context: &mut Context<'_>) -> Option<TableFormat> {
    let formats: Vec<Option<TableFormat>> =
        locations.iter().map(|location| table_format(location.file_name()?)).collect();
    match formats.first().copied().flatten() {
        Some(first) if formats.iter().all(|format| *format == Some(first)) => Some(first),
        Some(_) if formats.iter().all(Option::is_some) => context.problems.refuse(
            Problem::at(node.span, "the files of a table have different formats")
                .label("expected files of one format"),
        ),
        _ => context.problems.refuse(Problem::at(node.span, "a table of unknown format").label(format!(
            "expected a file that ends in {}, or a local folder of such files of one kind",
            endings()
        ))),
    }
}

/// The endings of file names, and the formats that they stand for.
const ENDINGS: [(&str, TableFormat); 15] = [
    ("parquet", TableFormat::Parquet),
    ("csv", TableFormat::Csv),
    ("tsv", TableFormat::Csv),
    ("jsonl", TableFormat::Jsonl),
    ("ndjson", TableFormat::Jsonl),
    ("arrow", TableFormat::Arrow),
    ("arrows", TableFormat::Arrow),
    ("feather", TableFormat::Arrow),
    ("ipc", TableFormat::Arrow),
    ("sqlite", TableFormat::Database),
    ("sqlite3", TableFormat::Database),
    ("db", TableFormat::Database),
    ("duckdb", TableFormat::Database),
    ("ddb", TableFormat::Database),
    ("tar", TableFormat::Tar),
];

/// Lists the endings of tables in words.
fn endings() -> String {
    let endings: Vec<String> = ENDINGS.iter().map(|(ending, _)| format!(".{ending}")).collect();
    match endings.as_slice() {
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
        [] => String::new(),
    }
}

/// Returns the format of a table by the name of its file, if it ends as those of tables do. Only text is read compressed.
pub fn table_format(name: &str) -> Option<TableFormat> {
    let name = name.to_ascii_lowercase();
    let plain = name.strip_suffix(".gz").or(name.strip_suffix(".zst"));
    let (_, ending) = plain.unwrap_or(&name).rsplit_once('.')?;
    let (_, format) = ENDINGS.into_iter().find(|(known, _)| *known == ending)?;
    let is_text = matches!(format, TableFormat::Csv | TableFormat::Jsonl);
    (plain.is_none() || is_text).then_some(format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_of_a_table_is_in_its_name() {
        assert_eq!(table_format("t.parquet"), Some(TableFormat::Parquet));
        assert_eq!(table_format("t.TSV"), Some(TableFormat::Csv));
        assert_eq!(table_format("*.jsonl.gz"), Some(TableFormat::Jsonl));
        assert_eq!(table_format("t.feather"), Some(TableFormat::Arrow));
        assert_eq!(table_format("t.DB"), Some(TableFormat::Database));
        assert_eq!(table_format("t.parquet.gz"), None);
        assert_eq!(table_format("t"), None);
        assert_eq!(table_format("parquet"), None);
    }

    #[test]
    fn a_folder_of_tables_of_one_kind_is_all_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let tables = |files: &[&str]| {
            for file in files {
                fs_err::write(folder.path().join(file), "").unwrap();
            }
            match tables_in(Location::Local(folder.path().to_owned())) {
                Location::Local(path) => path.strip_prefix(folder.path()).unwrap().display().to_string(),
                Location::Remote(address) => address.to_string(),
            }
        };
        assert_eq!(tables(&[]), "");
        assert_eq!(tables(&["README.md", ".hidden.parquet"]), "");
        assert_eq!(tables(&["1.csv.gz", "2.csv.gz"]), "*.csv.gz");
        assert_eq!(tables(&["3.csv"]), "");
        let file = Location::Local(folder.path().join("3.csv"));
        assert_eq!(tables_in(file.clone()), file);
    }
}
