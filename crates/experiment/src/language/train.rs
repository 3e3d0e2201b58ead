//! `train`: the rules that involve several keys at once. Each key by itself is defined in the plan.

use super::options::FromValue;
use super::{Context, augment, objective};
use crate::plan::{LogitScale, Select, TaskKind, TrainPlan, Tune};
use crate::problem::Problem;
use crate::yaml::Node;

/// Reads `train`. The objective must fit the dataset's kind of item, where that is known.
pub(super) fn decode(node: &Node, task: Option<TaskKind>, context: &mut Context<'_>) -> Option<TrainPlan> {
    let plan = TrainPlan::from_value(node, context);
    objective::check(node, task, context);
    check_selection(node, context);
    check_temperature(node, context);
    node.get("augment").into_iter().for_each(|augment| augment::check(augment, context));
    if let Some(optimizer) = node.get("optimizer") {
        check_momentum(optimizer, context);
        check_rate(optimizer, context);
    }
    let mut plan = plan?;
    if let Tune::Lora { .. } = plan.tune {
        plan.logit_scale = LogitScale::Fixed;
    }
    Some(plan)
}

/// Refuses options that compare weights on the validation split when `select` is `last`, because that split may then be
/// empty.
fn check_selection(node: &Node, context: &mut Context<'_>) {
    if node.read("select") == Some(Select::Last) {
        context.only_with(node, "patience", "select", "a validation split to `select` by");
        // An empty list asks for nothing.
        if node.read::<Vec<f64>>("interpolate").is_some_and(|alphas| !alphas.is_empty()) {
            context.only_with(node, "interpolate", "select", "a validation split to `select` by");
        }
    }
}

/// Refuses a learned temperature with LoRA, which trains only the adapters.
fn check_temperature(node: &Node, context: &mut Context<'_>) {
    let is_lora = node.read::<String>("tune").is_some_and(|word| word == "lora");
    if is_lora && node.read("logit_scale") == Some(LogitScale::Learned) {
        context.only_with(node, "logit_scale", "tune", "a `tune` other than `lora`");
    }
}

/// Refuses an optimiser without a learning rate where none is usual.
fn check_rate(optimizer: &Node, context: &mut Context<'_>) {
    if let (None, Some(name)) = (optimizer.entry_of("lr"), optimizer.entry_of("name")) {
        let message = "`train.optimizer` lacks `lr`";
        let label = "expected `lr` beside it: no learning rate is usual for this optimiser";
        context.problems.add(Problem::at(name.value.span, message).label(label));
    }
}

/// Refuses Nesterov without momentum, because there is then no running sum to look ahead along.
fn check_momentum(optimizer: &Node, context: &mut Context<'_>) {
    let is_sgd = optimizer.read::<String>("name").is_some_and(|word| word == "sgd");
    let momentum = optimizer.read::<f64>("momentum").unwrap_or_default();
    if is_sgd && momentum == 0.0 && optimizer.read("nesterov") == Some(true) {
        context.only_with(optimizer, "nesterov", "momentum", "a `momentum` above 0");
    }
}
