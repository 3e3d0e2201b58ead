//! Groups the weights that are updated with the same settings.

use cliptune_clip::weights::WeightSpec;
use cliptune_experiment::{OptimizerPlan, UpdateRule};
use tch::Tensor;

use crate::error::TrainError;
use crate::model::Parameter;

/// The weights that share a weight decay and a factor of the learning rate. One call of a fused kernel updates them
/// all.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) weight_decay: f64,
    /// The factor by which the learning rate is multiplied.
    pub(super) factor: f64,
    pub(super) slots: Vec<Slot>,
}

/// One weight, with the moments of its gradients.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) weight: Tensor,
    /// The moments of the gradients, in the order of [`moment_names`].
    pub(super) moments: Vec<Tensor>,
}

/// Returns the names of the moments that a rule keeps of a weight's gradients.
pub(crate) fn moment_names(rule: UpdateRule) -> &'static [&'static str] {
    match rule {
        UpdateRule::AdamW { .. } | UpdateRule::Adam { .. } => &["exp_avg", "exp_avg_sq"],
        UpdateRule::Sgd { momentum: 0.0, .. } => &[],
        UpdateRule::Sgd { .. } => &["momentum_buffer"],
    }
}

/// Groups the weights that share their settings, in the order in which each group's first weight appears.
pub(super) fn groups(parameters: &[&Parameter], plan: &OptimizerPlan) -> Result<Vec<Group>, TrainError> {
    let mut groups: Vec<Group> = Vec::new();
    for parameter in parameters {
        let slot = slot(parameter, plan.rule)?;
        let (weight_decay, factor) = numbers(&parameter.spec, plan);
        match groups.iter_mut().find(|group| (group.weight_decay, group.factor) == (weight_decay, factor)) {
            Some(group) => group.slots.push(slot),
            None => groups.push(Group { weight_decay, factor, slots: vec![slot] }),
        }
    }
    Ok(groups)
}

fn slot(parameter: &Parameter, rule: UpdateRule) -> Result<Slot, TrainError> {
    let weight = parameter.tensor.shallow_clone();
    let moments =
        moment_names(rule).iter().map(|_| weight.f_detach()?.f_zeros_like()).collect::<Result<_, _>>()?;
    Ok(Slot { name: parameter.spec.name.clone(), weight, moments })
}

/// Returns the weight decay and the factor of the learning rate, which is layer_decay to the power of the number of
/// layers above (Clark et al. 2020). The numbering is that of timm and BEiT, with the final norm and projection as the
/// top layer.
pub(crate) fn numbers(spec: &WeightSpec, plan: &OptimizerPlan) -> (f64, f64) {
    let weight_decay = if spec.role.decays() { plan.weight_decay } else { 0.0 };
    (weight_decay, plan.layer_decay.powi(spec.depth as i32))
}
