//! Whatever an experiment says, the file that is written from its plan says the same, wherever it is written to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cliptune_experiment::{ModelSource, Plan, load, reread, schema, setting_keys};
use serde_json::{Map, Value, json};

use crate::support::{Folder, TEXTS};

/// Numbers from the state of a generator (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn share(&mut self) -> f64 {
        self.below(1 << 53) as f64 / (1_u64 << 53) as f64
    }

    /// A number between two bounds: one of them, or one on a linear or on a logarithmic scale.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        match self.below(4) {
            0 => low,
            1 => high,
            2 => low + (high - low) * self.share(),
            _ => low.max(1e-9) * (high / low.max(1e-9)).abs().max(1.0).powf(self.share()),
        }
    }

    /// A value of a shape, as far as its schema says what is right.
    fn value(&mut self, key: &str, schema: &Value) -> Value {
        for choice in ["anyOf", "oneOf", "enum"] {
            if let Some(choices) = schema[choice].as_array() {
                let chosen = self.pick(choices);
                return if choice == "enum" { chosen.clone() } else { self.value(key, chosen) };
            }
        }
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        let bound = |names: [&str; 2], otherwise: f64| {
            names.iter().find_map(|name| schema[*name].as_f64()).unwrap_or(otherwise)
        };
        let low = bound(["minimum", "exclusiveMinimum"], 0.0);
        let high = bound(["maximum", "exclusiveMaximum"], 1e6);
        match schema["type"].as_str() {
            Some("boolean") => json!(self.below(2) == 0),
            Some("integer") => json!(self.between(low, high) as i64),
            Some("number") => json!(self.between(low, high)),
            Some("string") => json!(self.text(key)),
            Some("array") => self.list(key, schema),
            Some("object") => self.map(key, schema),
            _ => Value::Null,
        }
    }

    fn text(&mut self, key: &str) -> String {
        let text = self.pick(TEXTS);
        match key {
            "data.metadata" | "data.metadata.file" => {
                format!("{text}.{}", self.pick(&["parquet", "csv.gz", "tsv", "db", "tar"]))
            }
            "data.columns.templates" => format!("{text} {{}}{}", self.pick(TEXTS).replace("{}", "")),
            "data.images" if self.below(3) == 0 => self
                .pick(&["gs://b/x y/*.png", "https://h/a?v=1", "s3://b/", "**/[a-c]*.{png,jpg}"])
                .to_string(),
            "data.access.endpoint" => self.pick(&["http://127.0.0.1:9", "https://h/p"]).to_string(),
            "model.from" => {
                self.pick(&["run:x", "run:x@7", "org/name", "org/name@refs/pr/1", ".", "./."]).to_string()
            }
            _ => (*text).to_owned(),
        }
    }

    fn list(&mut self, key: &str, schema: &Value) -> Value {
        if let Some(places) = schema["prefixItems"].as_array() {
            return places.iter().map(|place| self.value(key, place)).collect();
        }
        let count = schema["minItems"].as_u64().unwrap_or(0) as usize + self.below(3);
        (0..count).map(|_| self.value(key, &schema["items"])).collect()
    }

    fn map(&mut self, key: &str, schema: &Value) -> Value {
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut map = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if required.contains(name.as_str()) || self.below(2) == 0 {
                map.insert(name.clone(), self.value(&format!("{key}.{name}"), property));
            }
        }
        map.into()
    }
}

/// The schema of a key, whatever combination of shapes it is in.
fn schema_of<'a>(schema: &'a Value, path: &[&str]) -> Option<&'a Value> {
    let Some((first, rest)) = path.split_first() else { return Some(schema) };
    let below = schema["properties"].get(*first).and_then(|property| schema_of(property, rest));
    below.or_else(|| schema["anyOf"].as_array()?.iter().find_map(|shape| schema_of(shape, path)))
}

/// All experiment files of the repository, and those of this crate's tests.
fn files() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![own.join("tests/valid"), own.join("../../experiments")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => folders.push(path),
                Some("yaml") => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// Checks that the file of a plan says the same, with absolute paths and with those of a file elsewhere.
fn assert_portable(plan: &Plan) {
    let plan = plan.alone(plan.model.from.clone());
    let text = plan.to_yaml().unwrap();
    let read = |text: &str, folder: &str| {
        reread(text, Path::new(folder)).unwrap_or_else(|error| panic!("{}\n{text}", error.rendered()))
    };
    assert_eq!(read(&text, "/nowhere"), plan, "{text}");
    let own = fs_err::canonicalize(env!("CARGO_MANIFEST_DIR")).unwrap();
    let (project, folder) = (own.ancestors().nth(2).unwrap(), own.join("some/where"));
    let text = plan.seen_from(&folder, project).to_yaml().unwrap();
    assert_eq!(read(&text, folder.to_str().unwrap()), plan, "{text}");
    // All of it moves to another place: each path is where it was before, as seen from the file.
    let (moved, root) = (Path::new("/elsewhere/crates/experiment/some/where"), Path::new("/elsewhere"));
    let again = read(&text, moved.to_str().unwrap()).seen_from(moved, root);
    assert_eq!(again, plan.seen_from(&folder, project), "{text}");
}

#[test]
fn the_file_of_a_plan_says_the_same_wherever_it_is() {
    let files = files();
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        for experiment in
            load(std::slice::from_ref(&file), &[]).unwrap_or_else(|error| panic!("{}", error.rendered()))
        {
            experiment.plans.iter().for_each(assert_portable);
        }
    }
}

#[test]
fn the_file_of_any_plan_of_the_language_says_the_same() {
    let schema = schema();
    let keys: Vec<String> = setting_keys().into_iter().filter(|key| !key.starts_with("matrix.")).collect();
    let mut numbers = Numbers(11);
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    let mut plans = 0;
    for file in files() {
        // A point of a matrix would be in the way of what is set.
        let mut settings = vec!["matrix=".to_owned(), "seeds=[4294967295]".to_owned()];
        if load(std::slice::from_ref(&file), &settings).is_err() {
            settings.remove(0);
        }
        for _ in 0..60 {
            let key = numbers.pick(&keys).as_str();
            let path: Vec<&str> = key.split('.').collect();
            let Some(shape) = schema_of(&schema, &path) else { panic!("{key} has no schema") };
            let value = numbers.value(key, shape);
            let before = settings.len();
            settings.push(format!("{key}={value}"));
            match load(std::slice::from_ref(&file), &settings) {
                Ok(experiments) => {
                    taken.insert(key);
                    let own = experiments.iter().find(|one| one.file == file).unwrap();
                    own.plans.iter().for_each(assert_portable);
                    plans += own.plans.len();
                }
                Err(_) => settings.truncate(before),
            }
        }
    }
    let missed: Vec<&String> = keys.iter().filter(|key| !taken.contains(key.as_str())).collect();
    assert!(
        missed.len() * 5 < keys.len(),
        "{} of {} keys were never set: {missed:?}",
        missed.len(),
        keys.len()
    );
    assert!(plans > 500, "{plans}");
}

#[test]
fn the_starting_point_is_the_one_that_a_run_really_had() {
    let folder = Folder::with(&[("one.yaml", &format!("name: one{}", crate::support::REST))]);
    let plan = folder.load("one.yaml", &["model.from=org/name"]).unwrap().remove(0).plans.remove(0);
    let commit = "c0".repeat(20);
    let exact = plan.alone(ModelSource::Hub(format!("org/name@{commit}").parse().unwrap()));
    let text = exact.to_yaml().unwrap();
    assert!(text.contains(&format!("from: org/name@{commit}")), "{text}");
    assert_eq!(reread(&text, Path::new("/")).unwrap(), exact);
}

#[test]
fn axes_are_called_by_as_much_of_their_keys_as_tells_them_apart() {
    let folder = Folder::with(&[("one.yaml", &format!("name: one{}", crate::support::REST))]);
    let mut plan = folder.load("one.yaml", &[]).unwrap().remove(0).plans.remove(0);
    let mut names = |keys: &[&str]| -> Vec<String> {
        plan.axes = keys.iter().map(|key| ((*key).to_owned(), serde_json::json!(1))).collect();
        plan.named_axes().map(|(name, _)| name.to_owned()).collect()
    };
    assert_eq!(names(&["train.optimizer.lr", "train.batch_size"]), ["batch_size", "lr"]);
    assert_eq!(names(&["data.split.seed", "train.optimizer.lr"]), ["split.seed", "lr"]);
    assert_eq!(names(&["a.x.size", "a.y.size", "size"]), ["x.size", "y.size", "size"]);
}

#[test]
fn texts_that_give_orders_are_written_as_escapes_and_mean_the_same() {
    let folder = Folder::with(&[("one.yaml", &format!("name: one{}", crate::support::REST))]);
    let mut plan = folder.load("one.yaml", &[]).unwrap().remove(0).plans.remove(0);
    let orders = "a\u{1b}[2J \u{202e}b\u{180e}\u{fffb}\u{ffff}\u{e0041}\u{9b} e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301} ü 東\n\"q\"";
    plan.description = Some(orders.to_owned());
    let text = plan.to_yaml().unwrap();
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{180e}', '\u{fffb}', '\u{e0041}', '\u{9b}']));
    assert!(text.contains("\\u001b") && text.contains("\\U000e0041") && text.contains('東'), "{text}");
    let read = reread(&text, Path::new("/")).unwrap();
    assert_eq!(read.description, plan.description);
}

#[test]
fn a_file_that_does_not_say_everything_is_an_error() {
    for text in ["", "a", "name: x", "name: [", "- name"] {
        let error = reread(text, Path::new("/")).unwrap_err();
        assert!(!text.contains("name: x") || error.rendered().contains("data"), "{}", error.rendered());
    }
}
