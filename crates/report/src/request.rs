//! What is asked of a report, and which folder it has. Two different reports never have the same one.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use cliptune_store::Store;
use fs_err as fs;
use serde_json::json;

use crate::error::ReportError;
use crate::json::{HOME_KEY, SUBJECT_KEY};
use crate::occupant::{Occupant, resolved};

/// The number of hexadecimal digits that tell a report from others of the same name.
const DIGITS: usize = 6;

/// How a report differs from that which the experiments alone would make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The folder of the report.
    pub to: Option<PathBuf>,
    /// The name of the report.
    pub name: Option<String>,
    /// The experiment that the others are compared with.
    pub baseline: Option<String>,
    /// The query for the runs that are shown.
    pub select: Option<String>,
}

impl Options {
    /// Returns whether they say what is shown.
    fn say_what(&self) -> bool {
        self.baseline.is_some() || self.select.is_some()
    }

    /// Returns whether they leave open where the report is.
    fn is_anywhere(&self) -> bool {
        self.to.is_none() && self.name.is_none()
    }
}

/// What is asked of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The name of the report.
    pub name: String,
    /// The folder of the report.
    pub folder: PathBuf,
    /// The hash of what the report is about. Two reports are the same if they are about the same and of one project.
    pub subject: String,
    /// The hash of where the store lies, as seen from the folder of the report. It tells projects of the same layout apart.
    pub home: String,
    /// The experiments and settings, as they were typed.
    pub arguments: Vec<String>,
    /// The experiment that the others are compared with, if one was named.
    pub baseline: Option<String>,
    /// The query for the runs that are shown, if there is one.
    pub select: Option<String>,
    /// Whether somebody chose a folder that is none of the store's.
    is_elsewhere: bool,
}

impl Request {
    /// Resolves what was asked for.
    ///
    /// The name is that of the only experiment or folder, or `report` if there are several. Where settings or options make it another
    /// report, or another one has the name, the beginning of the hash of what it is about follows.
    ///
    /// # Errors
    /// Returns an error when a path has no name, the name can be none of a folder, or the folder holds another report, or anything
    /// that no report wrote.
    pub fn of(
        store: &Store,
        experiments: &[PathBuf],
        settings: &[String],
        options: &Options,
    ) -> Result<Self, ReportError> {
        let subject = subject(store, experiments, settings, options)?;
        let name = match &options.name {
            Some(name) => usable(name)?,
            None => report_name(experiments)?,
        };
        let mut request = Self {
            folder: resolved(options.to.as_ref().unwrap_or(&store.report_folder(&name)))?,
            name,
            subject,
            home: String::new(),
            arguments: arguments(experiments, settings),
            baseline: options.baseline.clone(),
            select: options.select.clone(),
            is_elsewhere: options.to.is_some(),
        };
        let is_plain = settings.is_empty() && !options.say_what();
        if options.is_anywhere() && !(is_plain && request.is_free()?) {
            request.name = format!("{}-{}", request.name, &request.subject[..DIGITS]);
            request.folder = resolved(&store.report_folder(&request.name))?;
        }
        let home = seen_from(&canonical(&request.folder), &canonical(store.root()));
        request.home = blake3::hash(home.as_os_str().as_bytes()).to_hex().to_string();
        request.expect_replaceable()?;
        request.expect_project(store)?;
        Ok(request)
    }

    /// Returns whether no other report lies in the folder.
    fn is_free(&self) -> Result<bool, ReportError> {
        let there = Occupant::of(&self.folder)?;
        Ok(there.is_none_or(|there| self.is_told(there.says(SUBJECT_KEY, &self.subject))))
    }

    /// Returns what a report says of itself. One in the store that does not say it is made again; elsewhere it is somebody else's.
    fn is_told(&self, said: Option<bool>) -> bool {
        said.unwrap_or(!self.is_elsewhere)
    }

    /// Makes sure that nothing but the same report is replaced.
    ///
    /// # Errors
    /// Returns an error when the folder holds another report, or anything that no report wrote.
    pub(crate) fn expect_replaceable(&self) -> Result<(), ReportError> {
        match self.is_free()? {
            true => Ok(()),
            false => Err(ReportError::Another { folder: self.folder.clone() }),
        }
    }

    /// Makes sure that the report which is replaced is of the same project: one whose store lies where it lay, as seen from the report,
    /// or one that has moved and still has all runs that the report shows.
    fn expect_project(&self, store: &Store) -> Result<(), ReportError> {
        let Some(there) = Occupant::of(&self.folder)? else { return Ok(()) };
        match self.is_told(there.says(HOME_KEY, &self.home)) || there.shows_only_runs_of(store)? {
            true => Ok(()),
            false => Err(ReportError::Another { folder: self.folder.clone() }),
        }
    }

    /// Returns the options that have a part in what the report shows, as they are typed.
    pub(crate) fn options(&self) -> Vec<String> {
        let option = |name: &str, value: &Option<String>| Some(format!("--{name}={}", value.as_ref()?));
        [option("baseline", &self.baseline), option("select", &self.select)].into_iter().flatten().collect()
    }
}

/// Returns what a person typed, for the page to repeat.
fn arguments(experiments: &[PathBuf], settings: &[String]) -> Vec<String> {
    let experiments = experiments.iter().map(|path| path.display().to_string());
    experiments.chain(settings.iter().map(|setting| format!("--set={setting}"))).collect()
}

/// Returns the name of a report on these files and folders: the name of the only one, or `report` if there are several.
pub(crate) fn report_name(paths: &[PathBuf]) -> Result<String, ReportError> {
    let [only] = paths else { return Ok("report".to_owned()) };
    // The paths `.` and `..` have no name of their own.
    let full = fs::canonicalize(only)?;
    let name = if full.is_dir() { full.file_name() } else { full.file_stem() };
    let name = name.and_then(|name| name.to_str()).filter(|name| !name.starts_with('.'));
    name.map(str::to_owned).ok_or_else(|| ReportError::Name(only.clone()))
}

/// Returns a name that somebody chose, if a folder can have it.
fn usable(name: &str) -> Result<String, ReportError> {
    let mut parts = Path::new(name).components();
    let is_plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    let is_fine =
        is_plain && !name.starts_with('.') && !name.ends_with('/') && !name.contains(char::is_control);
    is_fine.then(|| name.to_owned()).ok_or_else(|| ReportError::Name(name.into()))
}

/// Returns the hash of what a report is about: the experiments by their places as the store sees them, so that both can move
/// together, in their order, which decides what comes first and what is compared with what; and what the options say about what is
/// shown.
fn subject(
    store: &Store,
    experiments: &[PathBuf],
    settings: &[String],
    options: &Options,
) -> Result<String, ReportError> {
    let root = canonical(store.root());
    let seen = |path: &PathBuf| Ok(seen_from(&root, &fs::canonicalize(path)?).to_string_lossy().into_owned());
    let paths = experiments.iter().map(seen).collect::<Result<Vec<String>, ReportError>>()?;
    let about = json!([paths, settings, options.baseline, options.select]);
    Ok(blake3::hash(about.to_string().as_bytes()).to_hex().to_string())
}

/// Returns an absolute path as it is seen from a folder.
fn seen_from(folder: &Path, path: &Path) -> PathBuf {
    let shared = folder.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(path.components().skip(shared)).collect()
}

/// Returns a path without links, as far as it exists.
fn canonical(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|above| Some((above, fs::canonicalize(above).ok()?)));
    match there {
        Some((above, full)) => full.join(path.strip_prefix(above).unwrap_or(Path::new(""))),
        None => path.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::FILES_KEY;
    use crate::render::{PAGE, RESULTS};

    /// A folder with two experiments, `a/demo.yaml` and `b/demo.yaml`, and a store.
    struct World {
        folder: tempfile::TempDir,
        store: Store,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            for name in ["a", "b"] {
                fs::create_dir(folder.path().join(name)).unwrap();
                fs::write(folder.path().join(name).join("demo.yaml"), "").unwrap();
            }
            let store = Store::open(&folder.path().join("runs")).unwrap();
            Self { folder, store }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn request(&self, names: &[&str], options: &Options) -> Result<Request, ReportError> {
            let paths: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
            Request::of(&self.store, &paths, &[], options)
        }

        /// Does what publishing does, as far as it matters here: a page, a drawing and the results, which show a run.
        fn publish(&self, request: &Request) {
            fs::create_dir_all(&request.folder).unwrap();
            for name in [PAGE, "accuracy.svg"] {
                fs::write(request.folder.join(name), "").unwrap();
            }
            let results = json!({
                SUBJECT_KEY: request.subject,
                HOME_KEY: request.home,
                FILES_KEY: [PAGE, RESULTS, "accuracy.svg"],
                "experiments": [{ "experiment": "demo", "runs": [{ "run": "1" }, { "run": null }] }],
            });
            fs::write(request.folder.join(RESULTS), results.to_string()).unwrap();
        }

        /// Moves all of it to another place.
        fn moved_to(self, place: &Path) -> Self {
            fs::rename(self.folder.path(), place).unwrap();
            Self { folder: self.folder, store: Store::open(&place.join("runs")).unwrap() }
        }
    }

    #[test]
    fn a_report_is_named_after_its_only_argument() {
        let world = World::new();
        assert_eq!(report_name(&[world.path("a/demo.yaml")]).unwrap(), "demo");
        assert_eq!(report_name(&[world.path("a/.")]).unwrap(), "a");
        assert_eq!(report_name(&[world.path("a"), world.path("b")]).unwrap(), "report");
    }

    #[test]
    fn two_reports_of_one_name_have_folders_of_their_own_and_each_keeps_its_own() {
        let world = World::new();
        let plain = Options::default();
        let first = world.request(&["a/demo.yaml"], &plain).unwrap();
        world.publish(&first);
        let second = world.request(&["b/demo.yaml"], &plain).unwrap();
        world.publish(&second);
        assert_eq!(first.name, "demo");
        assert!(second.name.starts_with("demo-") && second.folder != first.folder, "{second:?}");
        assert_eq!(world.request(&["a/demo.yaml"], &plain).unwrap(), first);
        assert_eq!(world.request(&["b/demo.yaml"], &plain).unwrap(), second);
        let other = Options { baseline: Some("zero".to_owned()), ..plain };
        let third = world.request(&["a/demo.yaml"], &other).unwrap();
        assert!(![&first.folder, &second.folder].contains(&&third.folder), "{third:?}");
    }

    #[test]
    fn settings_make_another_report_and_leave_the_plain_name_to_the_plain_one() {
        let world = World::new();
        let path = [world.path("a/demo.yaml")];
        let set = |settings: &[&str]| {
            let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
            Request::of(&world.store, &path, &settings, &Options::default()).unwrap().name
        };
        let changed = set(&["train.epochs=1"]);
        assert!(changed.starts_with("demo-") && changed != set(&["train.epochs=2"]), "{changed}");
        assert_eq!((set(&["train.epochs=1"]), set(&[])), (changed, "demo".to_owned()));
    }

    #[test]
    fn a_name_that_another_report_has_is_refused() {
        let world = World::new();
        let named = |select: &str| Options {
            name: Some("best".to_owned()),
            select: Some(select.to_owned()),
            ..Options::default()
        };
        world.publish(&world.request(&["a"], &named("SELECT 1")).unwrap());
        assert!(world.request(&["a"], &named("SELECT 1")).is_ok());
        let refused = world.request(&["a"], &named("SELECT 2"));
        assert!(matches!(refused, Err(ReportError::Another { .. })), "{refused:?}");
        for name in ["", ".", "..", "a/b", "/a", ".hidden", "a\n", "a/"] {
            let refused =
                world.request(&["a"], &Options { name: Some(name.to_owned()), ..Options::default() });
            assert!(matches!(refused, Err(ReportError::Name(_))), "{name}");
        }
    }

    #[test]
    fn the_order_of_experiments_is_part_of_what_a_report_shows() {
        let world = World::new();
        let named = Options { name: Some("order".to_owned()), ..Options::default() };
        let [one, other] = [["a/demo.yaml", "b/demo.yaml"], ["b/demo.yaml", "a/demo.yaml"]];
        world.publish(&world.request(&one, &named).unwrap());
        assert!(world.request(&one, &named).is_ok());
        assert!(matches!(world.request(&other, &named), Err(ReportError::Another { .. })));
        let plain = [one, other].map(|order| world.request(&order, &Options::default()).unwrap());
        assert_ne!(plain[0].subject, plain[1].subject);
    }

    #[test]
    fn a_folder_with_anything_but_a_report_is_left_alone_whoever_names_it() {
        let world = World::new();
        let to = |name: &str| Options { to: Some(world.path(name)), ..Options::default() };
        let name = |name: &str| Options { name: Some(name.to_owned()), ..Options::default() };
        let refused = |options: &Options| match world.request(&["a"], options) {
            Err(ReportError::Occupied { names, .. }) => names,
            other => panic!("{other:?}"),
        };
        for free in ["new", "deep/er"] {
            assert!(world.request(&["a"], &to(free)).is_ok());
        }
        assert_eq!(refused(&to("a")), ["demo.yaml"]);
        for (options, folder) in [(to("out"), "out"), (name("keep"), "runs/reports/keep")] {
            let request = world.request(&["a"], &options).unwrap();
            world.publish(&request);
            assert_eq!(world.request(&["a"], &options).unwrap().folder, request.folder);
            assert!(matches!(world.request(&["b"], &options), Err(ReportError::Another { .. })));
            // The report has no chart of this name.
            for foreign in ["notes.txt", "loss.svg", ".hidden"] {
                let path = world.path(folder).join(foreign);
                fs::write(&path, "mine").unwrap();
                assert_eq!(refused(&options), [foreign]);
                fs::remove_file(path).unwrap();
            }
            fs::remove_file(world.path(folder).join("accuracy.svg")).unwrap();
            fs::create_dir(world.path(folder).join("accuracy.svg")).unwrap();
            assert_eq!(refused(&options), ["accuracy.svg"], "a folder is no drawing");
        }
        fs::create_dir_all(world.path("runs/reports/a")).unwrap();
        fs::write(world.path("runs/reports/a/notes.txt"), "mine").unwrap();
        assert_eq!(refused(&Options::default()), ["notes.txt"], "nor without any option");
    }

    #[test]
    fn a_damaged_report_is_made_again_in_the_store_and_left_alone_elsewhere() {
        let world = World::new();
        let page = "<html><meta name=\"generator\" content=\"cliptune\">";
        for (to, is_taken) in [(None, false), (Some(world.path("out")), true)] {
            let options = Options { to, ..Options::default() };
            let request = world.request(&["a"], &options).unwrap();
            world.publish(&request);
            fs::write(request.folder.join(PAGE), page).unwrap();
            fs::write(request.folder.join(RESULTS), "{").unwrap();
            assert_eq!(world.request(&["a"], &options).is_err(), is_taken);
            fs::remove_file(request.folder.join(RESULTS)).unwrap();
            assert_eq!(world.request(&["a"], &options).is_err(), is_taken);
            fs::write(request.folder.join(PAGE), "a page of mine").unwrap();
            let refused = world.request(&["a"], &options);
            assert!(matches!(refused, Err(ReportError::Occupied { .. })), "{refused:?}");
        }
    }

    #[test]
    fn projects_of_the_same_layout_keep_their_reports_apart_and_one_that_moves_keeps_its_own() {
        let (one, other, out) = (World::new(), World::new(), tempfile::tempdir().unwrap());
        let options = Options { to: Some(out.path().join("public")), ..Options::default() };
        let request = one.request(&["a"], &options).unwrap();
        one.publish(&request);
        assert!(one.request(&["a"], &options).is_ok());
        let refused = other.request(&["a"], &options);
        assert!(matches!(refused, Err(ReportError::Another { .. })), "{refused:?}");
        // A project that has moved still has the runs.
        let place = out.path().join("moved");
        fs::create_dir_all(one.path("runs/demo/1")).unwrap();
        let moved = one.moved_to(&place);
        let again = |world: &World| {
            Request::of(&world.store, &[place.join("a")], &[], &options).map(|request| request.subject)
        };
        assert_eq!(again(&moved).unwrap(), request.subject);
        fs::rename(place.join("runs/demo/1"), place.join("runs/demo/2")).unwrap();
        assert!(matches!(again(&moved), Err(ReportError::Another { .. })));
    }

    #[test]
    fn a_link_to_a_folder_is_written_through_and_what_is_no_folder_is_told_in_words() {
        let world = World::new();
        let to = |name: &str| {
            let options = Options { to: Some(world.path(name)), ..Options::default() };
            world.request(&["a"], &options)
        };
        let link = |from: &str, name: &str| std::os::unix::fs::symlink(world.path(from), world.path(name));
        fs::create_dir(world.path("target")).unwrap();
        fs::write(world.path("file"), "mine").unwrap();
        link("target", "link").unwrap();
        link("gone", "nowhere").unwrap();
        let target = fs::canonicalize(world.path("target")).unwrap();
        for name in ["link", "link/", "link/."] {
            assert_eq!(to(name).unwrap().folder, target, "{name}");
        }
        for (name, said) in [
            ("file", "is a file, and no folder"),
            ("file/below", "is a file, and no folder"),
            ("nowhere", "is a link that leads nowhere"),
            ("nowhere/below", "is a link that leads nowhere"),
        ] {
            let refused = to(name).unwrap_err().to_string();
            assert!(refused.ends_with(said), "{name}: {refused}");
        }
    }

    #[test]
    fn a_report_stays_the_same_when_store_and_experiments_move_together() {
        let world = World::new();
        let before = world.request(&["a/demo.yaml"], &Options::default()).unwrap().subject;
        let moved = tempfile::tempdir().unwrap();
        let place = moved.path().join("elsewhere");
        fs::rename(world.folder.path(), &place).unwrap();
        let store = Store::open(&place.join("runs")).unwrap();
        let after = Request::of(&store, &[place.join("a/demo.yaml")], &[], &Options::default()).unwrap();
        assert_eq!(after.subject, before);
    }
}
