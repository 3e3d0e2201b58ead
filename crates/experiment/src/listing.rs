//! Lists the options of a plan.

use serde_json::Value;

use crate::check::check;
use crate::defaults::fill;
use crate::language::{self, Context, Models, TOP};
use crate::origins::Origins;
use crate::plan::{ModelSource, Plan, RunReference};
use crate::problem::Problems;
use crate::schema::schema;
use crate::shape::{Presence, find};
use crate::source::Sources;
use crate::spelling::spelled;
use crate::values::Seed;
use crate::write::document;
use crate::yaml::Node;

/// A key that an experiment may leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOption {
    /// The dotted key, such as `train.optimizer.betas`.
    pub key: String,
    /// The value of the option, spelled as in YAML.
    pub value: String,
    /// Whether leaving the option out means the same.
    pub is_default: bool,
}

impl Plan {
    /// Lists the options of the plan in the order of a resolved experiment. Keys that must be given and keys without a
    /// value are left out.
    ///
    /// This function knows no option in particular: an option is at its default if the plan without it is the same.
    pub fn options(&self) -> Vec<PlanOption> {
        let document = document(&self.without_place());
        // The plan itself is not used for the comparison, because a path that is not UTF-8 is changed in the document.
        let whole = read(document.clone());
        let mut paths = Vec::new();
        add_leaves(&document, &mut Vec::new(), &mut paths);
        paths.retain(|path| is_option(path));
        let option = |path: Vec<String>| {
            let value = spelled(path.iter().try_fold(&document, |value, key| value.get(key))?);
            let rest = read(without(&document, &path));
            let is_default = rest.is_some() && rest == whole;
            Some(PlanOption { key: path.join("."), value, is_default })
        };
        paths.into_iter().filter_map(option).collect()
    }

    /// Returns every setting that has a value, with its dotted key, in the order of a resolved experiment. The seed, the name
    /// and the description are no settings.
    pub fn settings(&self) -> Vec<(String, Value)> {
        let document = document(self);
        let mut paths = Vec::new();
        add_leaves(&document, &mut Vec::new(), &mut paths);
        paths.retain(|path| path.len() > 1);
        let setting = |path: Vec<String>| {
            let value = path.iter().try_fold(&document, |value, key| value.get(key))?.clone();
            Some((path.join("."), value))
        };
        paths.into_iter().filter_map(setting).collect()
    }

    /// Returns the plan without its axes and seed, which the document of options does not hold, and without a model
    /// folder that may no longer exist.
    fn without_place(&self) -> Self {
        let mut plan = self.clone();
        plan.axes.clear();
        plan.seed = Seed(0);
        if !matches!(plan.model.from, ModelSource::Scratch(_)) {
            let experiment = plan.experiment.clone();
            plan.model.from = ModelSource::Run(RunReference { experiment, seed: None, is_paired: false });
        }
        plan
    }
}

/// Returns the dotted keys of all settings that an experiment can have, sorted.
pub fn setting_keys() -> Vec<String> {
    let mut keys = std::collections::BTreeSet::new();
    add_keys(&schema(), &mut Vec::new(), &mut keys);
    keys.into_iter().collect()
}

/// Collects the keys of a schema, whatever combination of shapes they are in.
fn add_keys(schema: &Value, path: &mut Vec<String>, keys: &mut std::collections::BTreeSet<String>) {
    for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        path.push(key.clone());
        if path.len() > 1 {
            keys.insert(path.join("."));
        }
        add_keys(property, path, keys);
        path.pop();
    }
    for shape in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        add_keys(shape, path, keys);
    }
}

fn is_option(path: &[String]) -> bool {
    find(TOP, path.iter().map(String::as_str))
        .is_ok_and(|key| !matches!(key.presence, Presence::Required | Presence::Place))
}

/// Collects the paths of all values that are not maps.
fn add_leaves(value: &Value, path: &mut Vec<String>, leaves: &mut Vec<Vec<String>>) {
    let Value::Object(map) = value else {
        leaves.push(path.clone());
        return;
    };
    for (key, value) in map {
        path.push(key.clone());
        add_leaves(value, path, leaves);
        path.pop();
    }
}

fn without(document: &Value, path: &[String]) -> Value {
    let mut document = document.clone();
    if let Some((key, sections)) = path.split_last() {
        let section = sections.iter().try_fold(&mut document, |value, key| value.get_mut(key));
        if let Some(Value::Object(map)) = section {
            map.remove(key);
        }
    }
    document
}

/// Reads a document, or returns `None` if it lacks something that is required.
fn read(document: Value) -> Option<Plan> {
    let mut problems = Problems::default();
    let mut node = Node::from_json(document);
    check(&mut node, &mut problems);
    fill(&mut node, TOP, &Origins::default());
    let sources = Sources::default();
    let mut context = Context { sources: &sources, problems: &mut problems, models: Models::OnDisk };
    let plan = language::plan(&node, &mut context);
    plan.filter(|_| problems.is_empty())
}
