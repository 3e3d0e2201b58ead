//! Every file of `valid/` loads, every file of `invalid/` says what is wrong; each has its snapshot.

use std::path::{Path, PathBuf};

use cliptune_experiment::load;

use crate::support::{Folder, load_at};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn each(name: &str, check: impl Fn(&Path, &str)) {
    let mut files: Vec<PathBuf> =
        fs_err::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "yaml")) {
        check(file, file.file_stem().unwrap().to_str().unwrap());
    }
}

#[test]
fn invalid_files_say_what_is_wrong() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder("invalid"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        each("invalid", |file, name| {
            let error = load_at(file.to_owned(), &folder("invalid"), &[]).expect_err(name);
            insta::assert_snapshot!(name, error);
        });
    });
}

#[test]
fn valid_files_become_plans() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder("valid"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        each("valid", |file, name| {
            let experiments = load_at(file.to_owned(), &folder("valid"), &[]).unwrap();
            let plans = experiments.iter().flat_map(|experiment| &experiment.plans);
            let yaml: Vec<String> =
                plans.map(|plan| format!("# axes: {:?}\n{}", plan.axes, plan.to_yaml().unwrap())).collect();
            insta::assert_snapshot!(name, yaml.join("---\n").replace(env!("CARGO_MANIFEST_DIR"), "/CRATE"));
        });
    });
}

#[test]
fn an_option_that_is_left_out_is_at_its_default() {
    let unusual = |name: &str| {
        let experiments = load(&[folder("valid").join(name)], &[]).unwrap();
        let options = experiments[0].plans[0].options();
        let unusual = options.into_iter().filter(|option| !option.is_default);
        unusual.map(|option| format!("{} {}", option.key, option.value)).collect::<Vec<_>>().join("\n")
    };
    let told = ["sgd", "lora", "everything"].map(|name| unusual(&format!("{name}.yaml")));
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn a_resolved_plan_loads_as_the_same_plan() {
    each("valid", |file, name| {
        for experiment in load(&[file.to_owned()], &[]).unwrap() {
            for mut plan in experiment.plans {
                let again = Folder::with(&[("plan.yaml", &plan.to_yaml().unwrap())]);
                let experiments = again.load("plan.yaml", &[]).unwrap();
                // An axis is in its place by now.
                plan.axes.clear();
                assert_eq!(experiments[0].plans, [plan], "{name}");
            }
        }
    });
}
