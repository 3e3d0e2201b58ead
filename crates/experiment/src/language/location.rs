//! Locations of files: local folders, files, globs and `file://` addresses.

use std::path::{Path, PathBuf};

use super::Context;
use crate::plan::{TableFormat, TableSource};
use crate::problem::{Problem, Problems};
use crate::yaml::{FromNode, Node};

/// Makes a location absolute. A remote one is a problem.
pub(super) fn path(node: &Node, context: &mut Context<'_>) -> Option<PathBuf> {
    let written = String::from_node(node)?;
    let local = match written.split_once("://") {
        None => written.as_str(),
        Some(("file", rest)) => file_address(node, rest, context.problems)?,
        Some((scheme, _)) => return context.problems.refuse(remote(node, scheme)),
    };
    if local == "~" || local.starts_with("~/") {
        let problem = Problem::at(node.span, "`~` has no meaning in a path").label("expected the whole path");
        return context.problems.refuse(problem);
    }
    Some(context.sources.resolve(node.span, local))
}

/// Returns the path of `file:///a/b` or `file://localhost/a/b`.
fn file_address<'a>(node: &Node, rest: &'a str, problems: &mut Problems) -> Option<&'a str> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if path.starts_with('/') {
        return Some(path);
    }
    let problem = Problem::at(node.span, "a `file://` address of another host")
        .label("expected three slashes: `file:///folder/file`");
    problems.refuse(problem)
}

fn remote(node: &Node, scheme: &str) -> Problem {
    let problem = match scheme {
        "gs" | "s3" | "http" | "https" | "hf" | "az" => {
            Problem::at(node.span, format!("remote sources (`{scheme}://`) are not supported yet"))
        }
        _ => Problem::at(node.span, format!("unknown kind of address `{}://`", scheme.escape_debug())),
    };
    problem
        .label("expected a local folder, file, glob or `file://` address")
        .help("copy the files to a local folder first")
}

/// Reads the location of a table, and its format from the file name.
pub(super) fn table(node: &Node, context: &mut Context<'_>) -> Option<TableSource> {
    let path = path(node, context)?;
    match format(&path) {
        Some(format) => Some(TableSource { path, format }),
        None => context.problems.refuse(
            Problem::at(node.span, "a table of unknown format")
                .label("expected a file that ends in .parquet, .csv, .tsv, .jsonl or .ndjson"),
        ),
    }
}

fn format(path: &Path) -> Option<TableFormat> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "parquet" => Some(TableFormat::Parquet),
        "csv" | "tsv" => Some(TableFormat::Csv),
        "jsonl" | "ndjson" => Some(TableFormat::Jsonl),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_of_a_table_is_in_its_name() {
        let of = |name: &str| format(Path::new(name));
        assert_eq!(of("/a/t.parquet"), Some(TableFormat::Parquet));
        assert_eq!(of("/a/t.TSV"), Some(TableFormat::Csv));
        assert_eq!(of("/a/*.jsonl.gz"), Some(TableFormat::Jsonl));
        assert_eq!(of("/a.csv/t"), None);
        assert_eq!(of("/a/parquet"), None);
    }
}
