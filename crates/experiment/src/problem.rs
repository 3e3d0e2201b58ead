//! The problems of an experiment, and a collector so that all of them are reported at once.

use std::collections::HashSet;

use crate::source::Span;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Problem {
    /// The place of the problem. It is absent when there is no text to point at, for example when a file cannot be
    /// read.
    pub(crate) span: Option<Span>,
    /// What is wrong, as a lower-case fragment of a sentence.
    pub(crate) message: String,
    /// What is expected instead. It is shown under the place.
    pub(crate) label: String,
    /// A second place that explains the first.
    pub(crate) related: Option<(Span, String)>,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// Whether the only problem is that the key at this place has no meaning beside the others.
    pub(crate) is_idle: bool,
}

impl Problem {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        let place = (!span.is_default()).then_some(span);
        Self {
            span: place,
            message: message.into(),
            label: String::new(),
            related: None,
            help: None,
            is_idle: false,
        }
    }

    pub(crate) fn nowhere(message: impl Into<String>) -> Self {
        Self::at(Span::DEFAULT, message)
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related = (!span.is_default()).then(|| (span, label.into()));
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Marks the problem as that of a key that has no meaning beside the others. If the key has a meaning in another
    /// run of the experiment, it is no problem.
    pub(crate) fn idle(mut self) -> Self {
        self.is_idle = true;
        self
    }

    /// Adds a help line if there is one.
    pub(crate) fn maybe_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }
}

/// Collects problems. A problem that occurs twice (in a shared parent file, at two points of a matrix) is kept once.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Problem>,
    seen: HashSet<Problem>,
}

impl Problems {
    pub(crate) fn add(&mut self, problem: Problem) {
        if self.seen.insert(problem.clone()) {
            self.found.push(problem);
        }
    }

    /// Adds the problem and returns `None` in place of the value.
    pub(crate) fn refuse<T>(&mut self, problem: Problem) -> Option<T> {
        self.add(problem);
        None
    }

    /// Removes and returns the problems of keys that have no meaning here.
    pub(crate) fn take_idle(&mut self) -> Vec<Problem> {
        let (idle, found) = std::mem::take(&mut self.found).into_iter().partition(|problem| problem.is_idle);
        self.found = found;
        idle
    }

    /// Adds all problems of another collector.
    pub(crate) fn extend(&mut self, others: Self) {
        others.found.into_iter().for_each(|problem| self.add(problem));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Returns the problems in the order of files and lines. Those without a place come first.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| problem.span);
        self.found
    }
}
