//! The texts that problems point into: YAML files and `--set` arguments.

use std::path::{Component, Path, PathBuf};

/// A place in a source, from a start position up to an end position that is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) source: SourceId,
    pub(crate) start: Position,
    pub(crate) end: Position,
}

/// A line and a column in characters. Both count from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The source that a span belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SourceId(usize);

impl SourceId {
    /// The source that stands for the language's own defaults, which no file declares.
    pub(crate) const DEFAULTS: Self = Self(usize::MAX);
}

impl Span {
    /// The place of everything from the language's defaults.
    pub(crate) const DEFAULT: Self = Self::start_of(SourceId::DEFAULTS);

    /// Returns the very beginning of a source.
    pub(crate) const fn start_of(source: SourceId) -> Self {
        let start = Position { line: 0, column: 0 };
        Self { source, start, end: start }
    }

    /// Checks whether the value was filled in rather than written by someone.
    pub(crate) fn is_default(self) -> bool {
        self.source == SourceId::DEFAULTS
    }
}

/// The name of an override in problems.
pub(crate) const OVERRIDE: &str = "--set";

/// A text and its origin.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The name that problems use: the path as the user gave it, or `--set`.
    pub(crate) name: String,
    /// The folder that relative paths in the text start from.
    pub(crate) base: PathBuf,
    /// The whole text.
    pub(crate) text: String,
}

/// All sources of one load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(Vec<Source>);

impl Sources {
    pub(crate) fn add(&mut self, source: Source) -> SourceId {
        self.0.push(source);
        SourceId(self.0.len() - 1)
    }

    /// Returns the source with this id. The language's defaults have none.
    pub(crate) fn get(&self, id: SourceId) -> Option<&Source> {
        self.0.get(id.0)
    }

    /// Checks whether a place is in an override rather than in a file.
    pub(crate) fn is_override(&self, span: Span) -> bool {
        self.get(span.source).is_some_and(|source| source.name == OVERRIDE)
    }

    /// Makes a path absolute that was written at `span`.
    pub(crate) fn resolve(&self, span: Span, path: &str) -> PathBuf {
        let base = self.get(span.source).map_or(Path::new(""), |source| &source.base);
        normalize(&base.join(path))
    }
}

/// Removes `.` and `..` without touching the disk, so that a plan is the same whether or not the data is there.
pub(crate) fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            // The parent of `/` is `/` itself.
            Component::ParentDir if normal.has_root() => {}
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_removed_from_paths() {
        let normal = |path: &str| normalize(Path::new(path)).display().to_string();
        assert_eq!(normal("/a/b/../../c/./d"), "/c/d");
        assert_eq!(normal("/../a"), "/a");
        assert_eq!(normal("../a/../../b"), "../../b");
        assert_eq!(normal("/images/*.jpeg"), "/images/*.jpeg");
    }
}
