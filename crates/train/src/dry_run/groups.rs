//! Groups the weights by whether and how they are trained.

use cliptune_clip::weights::Part;
use cliptune_experiment::TrainPlan;
use serde::Serialize;

use crate::model::Parameter;
use crate::optimizer::numbers;
use crate::tuning::{Adapters, Tuned};

const TEXT_TOWER: &str = "text tower";

/// Weights of one part of the model that are treated alike.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Group {
    /// The part of the model.
    pub(super) part: &'static str,
    /// The kind of weight: `matrices`, or what does not decay.
    pub(super) kind: &'static str,
    /// The number of elements in these weights.
    pub(super) parameters: usize,
    /// The peak learning rate of the topmost of their layers; `None` for weights that do not move.
    pub(super) learning_rate: Option<f64>,
    /// The peak learning rate of the lowest of their layers.
    pub(super) lowest_learning_rate: Option<f64>,
    /// The weight decay; `None` for weights that do not move.
    pub(super) weight_decay: Option<f64>,
}

/// Returns all weights in groups, in the order of the model, followed by any adapters over them.
pub(super) fn groups(tuned: &Tuned<'_>, plan: &TrainPlan) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let adapters = tuned.adapters().into_iter().flat_map(Adapters::parameters);
    for parameter in tuned.parameters().iter().chain(adapters) {
        let new = group(parameter, plan);
        let same = |group: &&mut Group| {
            (group.part, group.kind, group.weight_decay) == (new.part, new.kind, new.weight_decay)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.take(&new),
            None => groups.push(new),
        }
    }
    if let Some(unused) = unused_tokens(tuned.parameters().left_out()) {
        let behind = groups.iter().rposition(|group| group.part == unused.part).map_or(0, |last| last + 1);
        groups.insert(behind, unused);
    }
    groups
}

impl Group {
    fn take(&mut self, other: &Self) {
        self.parameters += other.parameters;
        let rates =
            |pick: fn(f64, f64) -> f64, a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| pick(a, b));
        self.learning_rate = rates(f64::max, self.learning_rate, other.learning_rate);
        self.lowest_learning_rate = rates(f64::min, self.lowest_learning_rate, other.lowest_learning_rate);
    }
}

/// Returns the rows of the token embedding that training leaves out, if there are any.
fn unused_tokens(parameters: usize) -> Option<Group> {
    let (part, kind) = (TEXT_TOWER, "tokens that no text has");
    (parameters > 0).then_some(Group {
        part,
        kind,
        parameters,
        learning_rate: None,
        lowest_learning_rate: None,
        weight_decay: None,
    })
}

/// Returns the group of one weight.
fn group(parameter: &Parameter, plan: &TrainPlan) -> Group {
    let (moves, decays) = (parameter.tensor.requires_grad(), parameter.spec.role.decays());
    let (weight_decay, factor) = numbers(&parameter.spec, &plan.optimizer);
    let learning_rate = moves.then(|| plan.optimizer.lr.get() * factor);
    Group {
        part: match parameter.spec.part {
            Part::Vision => "vision tower",
            Part::VisualProjection => "visual projection",
            Part::Text => TEXT_TOWER,
            Part::TextProjection => "text projection",
            Part::LogitScale => "logit scale",
        },
        kind: if decays { "matrices" } else { "norms, biases, embeddings" },
        parameters: parameter.spec.len(),
        learning_rate,
        lowest_learning_rate: learning_rate,
        weight_decay: moves.then_some(weight_decay),
    }
}
