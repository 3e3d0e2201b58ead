//! A plan as a file that can be taken elsewhere: its paths as they are seen from another folder, and the proof that the
//! file says what the plan says.

use std::path::{Path, PathBuf};

use crate::check::check;
use crate::defaults::fill;
use crate::error::LoadError;
use crate::language::{self, Context, Models, TOP};
use crate::origins::Origins;
use crate::plan::{ModelSource, Plan};
use crate::problem::Problems;
use crate::source::{Source, Sources};
use crate::yaml::parse;

impl Plan {
    /// Returns the plan with the paths that an experiment file in `folder` would have: those below `project` are relative
    /// if the file is there, too, and all others stay absolute.
    ///
    /// A relative path begins with `./` or `../`, so that nothing else can be meant by it.
    #[must_use]
    pub fn seen_from(&self, folder: &Path, project: &Path) -> Self {
        let mut seen = self.clone();
        if folder.starts_with(project) {
            let inside = seen.local_paths_mut().filter(|path| path.starts_with(project));
            inside.for_each(|path| *path = relative(path, folder));
        }
        seen
    }

    /// Returns the plan by itself: without its point of a matrix, whose values are in their places by now, and with the
    /// starting point that it really had where that was left open: a commit of the hub, the seed of a run.
    #[must_use]
    pub fn alone(&self, from: ModelSource) -> Self {
        let mut alone = self.clone();
        alone.axes.clear();
        alone.model.from = from;
        alone
    }
}

/// Returns the way from a folder to a path, which are both absolute and without dots.
pub fn relative(path: &Path, folder: &Path) -> PathBuf {
    let shared = path.components().zip(folder.components()).take_while(|(one, other)| one == other).count();
    let up = folder.components().count() - shared;
    let start = if up == 0 { PathBuf::from(".") } else { PathBuf::from_iter(std::iter::repeat_n("..", up)) };
    start.join(path.components().skip(shared).collect::<PathBuf>())
}

/// Reads the only plan of an experiment that is about to be written into a folder. No file is looked for: what the text
/// says does not depend on what there is on this machine.
///
/// # Errors
/// Returns everything that is wrong with the text.
pub fn reread(text: &str, folder: &Path) -> Result<Plan, LoadError> {
    let (mut sources, mut problems) = (Sources::default(), Problems::default());
    let name = "the experiment to be written".to_owned();
    let source = sources.add(Source { name, base: folder.to_owned(), text: text.to_owned() });
    let plan = parse(text, source, &mut problems).and_then(|mut document| {
        check(&mut document, &mut problems);
        fill(&mut document, TOP, &Origins::default());
        let mut context = Context { sources: &sources, problems: &mut problems, models: Models::AsSpelled };
        let plan = language::plan(&document, &mut context)?;
        let seed = *language::seeds(&document)?.first()?;
        let mut plan = Plan { seed, ..plan };
        plan.model.from.for_seed(seed);
        Some(plan)
    });
    match plan.filter(|_| problems.is_empty()) {
        Some(plan) => Ok(plan),
        None => Err(LoadError::new(sources, problems)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_path_begins_with_a_dot() {
        let way =
            |path: &str, folder: &str| relative(Path::new(path), Path::new(folder)).display().to_string();
        assert_eq!(way("/p/data/images/*.png", "/p/experiments"), "../data/images/*.png");
        assert_eq!(way("/p/experiments/run:x", "/p/experiments"), "./run:x");
        assert_eq!(way("/p/experiments", "/p/experiments"), "./");
        assert_eq!(way("/p/a", "/p/b/c/d"), "../../../a");
    }
}
