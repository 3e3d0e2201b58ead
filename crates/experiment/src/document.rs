//! Reads experiment files, each together with the files that it extends.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use cliptune_durable::open_regular;

use crate::language::OF_THE_FILE;
use crate::merge::merge;
use crate::problem::{Problem, Problems};
use crate::source::{Position, Source, SourceId, Sources, Span, normalize};
use crate::yaml::{Node, Value, parse};

/// The size of the largest file that is read, in bytes. An experiment is about 1 KiB.
const MAX_BYTES: u64 = 1 << 20;

/// Reads files, each of them only once.
pub(crate) struct Reader<'a> {
    pub(crate) sources: &'a mut Sources,
    pub(crate) problems: &'a mut Problems,
    /// The trees by canonical path. A file whose problem has been reported has no tree.
    trees: HashMap<PathBuf, Option<Node>>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(sources: &'a mut Sources, problems: &'a mut Problems) -> Self {
        Self { sources, problems, trees: HashMap::new() }
    }

    /// Reads a file and lays it over the file that it extends.
    pub(crate) fn document(&mut self, path: &Path) -> Option<Node> {
        let mut documents = vec![self.tree(path, None)?];
        let mut chain = vec![canonical(path)];
        let mut current = path.to_owned();
        while let Some((span, parent)) = documents.last().and_then(extends) {
            current = normalize(&current.parent().unwrap_or(Path::new("")).join(parent));
            let identity = canonical(&current);
            if chain.contains(&identity) {
                return self.problems.refuse(circle(span, &chain, &identity));
            }
            chain.push(identity);
            documents.push(self.tree(&current, Some(span))?);
        }
        let mut merged = documents.pop()?;
        while let Some(child) = documents.pop() {
            forget_file_keys(&mut merged);
            merge(&mut merged, child);
        }
        Some(merged)
    }

    /// Reads a single file. If it cannot be read, the problem is reported at `mention`, the place where another file
    /// names it.
    pub(crate) fn tree(&mut self, path: &Path, mention: Option<Span>) -> Option<Node> {
        let identity = canonical(path);
        if let Some(known) = self.trees.get(&identity) {
            return known.clone();
        }
        let tree = self.read(path, mention);
        self.trees.insert(identity, tree.clone());
        tree
    }

    fn read(&mut self, path: &Path, mention: Option<Span>) -> Option<Node> {
        let bytes = match read_limited(path) {
            Ok(bytes) => bytes,
            Err(why) => {
                let problem = Problem::at(mention.unwrap_or(Span::DEFAULT), why);
                return self.problems.refuse(problem.label("the file is named here"));
            }
        };
        let (text, invalid) = decode(bytes);
        let base = canonical(path).parent().map(Path::to_owned).unwrap_or_default();
        let source = self.sources.add(Source { name: path.display().to_string(), base, text: text.clone() });
        if let Some(start) = invalid {
            let span = Span { source, start, end: start };
            return self
                .problems
                .refuse(Problem::at(span, "the file is not UTF-8 text").label("this is no character"));
        }
        let node = parse(&text, source, self.problems)?;
        self.expect_map(node, source)
    }

    fn expect_map(&mut self, node: Node, source: SourceId) -> Option<Node> {
        let start = Span::start_of(source);
        match node.value {
            Value::Map(_) => Some(node),
            Value::Null => self.problems.refuse(
                Problem::at(start, "the file is empty")
                    .label("expected an experiment: `name:`, `data:`, `model:` …"),
            ),
            _ => self.problems.refuse(
                Problem::at(start, "the file is not an experiment")
                    .label(format!("expected keys such as `name:` at the top, found {}", node.kind())),
            ),
        }
    }
}

/// Removes the keys that a child does not inherit.
fn forget_file_keys(document: &mut Node) {
    if let Value::Map(entries) = &mut document.value {
        entries.retain(|entry| !OF_THE_FILE.contains(&entry.key.as_str()));
    }
}

fn extends(document: &Node) -> Option<(Span, String)> {
    Some((document.get("extends")?.span, document.read("extends")?))
}

fn circle(span: Span, chain: &[PathBuf], again: &Path) -> Problem {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let round = chain.iter().skip_while(|path| *path != again).map(|path| name(path)).chain([name(again)]);
    Problem::at(span, "files extend each other in a circle")
        .label(round.collect::<Vec<_>>().join(" extends "))
}

/// Returns the path that identifies a file, however it is named. Where there is no such file, it is the path as given.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn read_limited(path: &Path) -> Result<Vec<u8>, String> {
    let read = || {
        let mut bytes = Vec::new();
        open_regular(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = read().map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!(
            "`{}` is larger than {} KiB: not an experiment",
            path.display(),
            MAX_BYTES / 1024
        ));
    }
    Ok(bytes)
}

/// Returns the text without a byte order mark, and the position of the first byte that is not UTF-8.
fn decode(bytes: Vec<u8>) -> (String, Option<Position>) {
    let without_mark = |text: String| text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    match String::from_utf8(bytes) {
        Ok(text) => (without_mark(text), None),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let before = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default()).into_owned();
            let line = before.matches('\n').count();
            let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
            (String::from_utf8_lossy(&bytes).into_owned(), Some(Position { line, column }))
        }
    }
}
