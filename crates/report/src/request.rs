//! What is asked of a report, and which folder it has. Two different reports never have the same one.

use std::path::{Component, Path, PathBuf};

use cliptune_store::{Store, read_file};
use fs_err as fs;
use serde_json::{Value, json};

use crate::error::ReportError;
use crate::json::SUBJECT_KEY;
use crate::render::{PAGE, RESULTS, is_file_of_a_report};

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
}

/// What is asked of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The name of the report.
    pub name: String,
    /// The folder of the report.
    pub folder: PathBuf,
    /// The hash of what the report is about. Two reports are the same if they are about the same.
    pub subject: String,
    /// The experiments and settings, as they were typed.
    pub arguments: Vec<String>,
    /// The experiment that the others are compared with, if one was named.
    pub baseline: Option<String>,
    /// The query for the runs that are shown, if there is one.
    pub select: Option<String>,
}

impl Request {
    /// Resolves what was asked for.
    ///
    /// The name is that of the only experiment or folder, or `report` if there are several. Where settings or options make it another
    /// report, or another one has the name, the beginning of the hash of what it is about follows.
    ///
    /// # Errors
    /// Returns an error when a path has no name, the name can be none of a folder, or the folder that was named holds another
    /// report, or anything else.
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
        let own = store.report_folder(&name);
        let (name, folder) = match (&options.to, &options.name) {
            (Some(to), _) => {
                expect_report(to)?;
                (name, std::path::absolute(to)?)
            }
            (None, None) if options.say_what() || !settings.is_empty() || is_taken(&own, &subject) => {
                let name = format!("{name}-{}", &subject[..DIGITS]);
                let folder = store.report_folder(&name);
                (name, folder)
            }
            (None, _) => (name, own),
        };
        if is_taken(&folder, &subject) {
            return Err(ReportError::Another { folder });
        }
        Ok(Self {
            name,
            folder,
            subject,
            arguments: arguments(experiments, settings),
            baseline: options.baseline.clone(),
            select: options.select.clone(),
        })
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
/// together, and what the options say about what is shown.
fn subject(
    store: &Store,
    experiments: &[PathBuf],
    settings: &[String],
    options: &Options,
) -> Result<String, ReportError> {
    let root = fs::canonicalize(store.root()).unwrap_or_else(|_| store.root().to_path_buf());
    let seen = |path: &PathBuf| Ok(seen_from(&root, &fs::canonicalize(path)?).to_string_lossy().into_owned());
    let mut paths = experiments.iter().map(seen).collect::<Result<Vec<String>, ReportError>>()?;
    paths.sort_unstable();
    let about = json!([paths, settings, options.baseline, options.select]);
    Ok(blake3::hash(about.to_string().as_bytes()).to_hex().to_string())
}

/// Returns an absolute path as it is seen from a folder.
fn seen_from(folder: &Path, path: &Path) -> PathBuf {
    let shared = folder.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(path.components().skip(shared)).collect()
}

/// Returns whether a folder holds a report about something else. One of an earlier cliptune does not say what it is about.
fn is_taken(folder: &Path, subject: &str) -> bool {
    let Ok(text) = read_file(&folder.join(RESULTS)) else { return false };
    let Ok(results) = serde_json::from_slice::<Value>(&text) else { return false };
    results.get(SUBJECT_KEY).and_then(Value::as_str).is_some_and(|found| found != subject)
}

/// Makes sure that nothing but a report is replaced in a folder that is none of the store.
fn expect_report(folder: &Path) -> Result<(), ReportError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names = names.collect::<Result<Vec<String>, ReportError>>()?;
    let is_whole = [PAGE, RESULTS].iter().all(|name| names.iter().any(|there| there == name));
    match names.is_empty() || is_whole && names.iter().all(|name| is_file_of_a_report(name)) {
        true => Ok(()),
        false => Err(ReportError::Occupied { folder: folder.to_path_buf() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

        /// Does what publishing does, as far as it matters here.
        fn publish(&self, request: &Request) {
            fs::create_dir_all(&request.folder).unwrap();
            fs::write(request.folder.join(PAGE), "").unwrap();
            let results = json!({ SUBJECT_KEY: request.subject }).to_string();
            fs::write(request.folder.join(RESULTS), results).unwrap();
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
    fn a_folder_with_anything_but_a_report_is_left_alone() {
        let world = World::new();
        let to = |name: &str| Options { to: Some(world.path(name)), ..Options::default() };
        for free in ["new", "deep/er"] {
            assert!(world.request(&["a"], &to(free)).is_ok());
        }
        let request = world.request(&["a"], &to("out")).unwrap();
        world.publish(&request);
        assert_eq!(world.request(&["a"], &to("out")).unwrap().folder, request.folder);
        assert!(matches!(world.request(&["b"], &to("out")), Err(ReportError::Another { .. })));
        fs::write(world.path("out/notes.txt"), "mine").unwrap();
        for taken in ["out", "a"] {
            let refused = world.request(&["a"], &to(taken));
            assert!(matches!(refused, Err(ReportError::Occupied { .. })), "{taken}: {refused:?}");
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
