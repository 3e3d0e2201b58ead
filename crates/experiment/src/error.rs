//! The error of a load, which holds everything that is wrong.

use crate::problem::{Problem, Problems};
use crate::render::{clean, location, render};
use crate::source::Sources;

/// Everything that is wrong with the loaded experiments. It displays as one line; [`LoadError::rendered`] gives all the
/// details.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.summary())]
pub struct LoadError {
    sources: Sources,
    problems: Vec<Problem>,
}

impl LoadError {
    pub(crate) fn new(sources: Sources, problems: Problems) -> Self {
        Self { sources, problems: problems.into_sorted() }
    }

    /// Returns the number of problems.
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// Renders every problem with its place, the line itself, what is expected and what may have been meant.
    pub fn rendered(&self) -> String {
        render(&self.problems, &self.sources)
    }

    fn summary(&self) -> String {
        match self.problems.as_slice() {
            [problem] => match problem.span.and_then(|span| location(span, &self.sources)) {
                Some(place) => format!("{place}: {}", clean(&problem.message)),
                None => clean(&problem.message),
            },
            problems => format!("{} problems in the experiments", problems.len()),
        }
    }
}
