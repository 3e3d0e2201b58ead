//! The optimisers, which update the weights that move.

mod group;

use cliptune_experiment::{OptimizerPlan, UpdateRule};
use cliptune_torch_bridge::{AdamState, AdamStep, SgdState, SgdStep, forget_grad, fused_adam, fused_sgd};
use tch::{Kind, Tensor};

use crate::error::TrainError;
use crate::model::Parameter;
use group::{Group, Slot};
pub(crate) use group::{moment_names, numbers};

/// Applies AdamW, Adam or SGD by libtorch's fused kernels. Only matrices decay.
#[derive(Debug)]
pub struct Optimizer {
    plan: OptimizerPlan,
    groups: Vec<Group>,
    updates: usize,
}

impl Optimizer {
    /// Creates an optimiser for these weights, with moments of zero.
    pub fn new(parameters: &[&Parameter], plan: OptimizerPlan) -> Result<Self, TrainError> {
        Ok(Self { groups: group::groups(parameters, &plan)?, plan, updates: 0 })
    }

    /// Discards the gradients.
    pub fn zero_grad(&mut self) -> Result<(), TrainError> {
        let mut slots = self.groups.iter_mut().flat_map(|group| &mut group.slots);
        slots.try_for_each(|slot| Ok(forget_grad(&mut slot.weight)?))
    }

    /// Scales the gradients so that their global norm is at most `max_norm`, and returns the norm they had before.
    ///
    /// The rule is `torch.nn.utils.clip_grad_norm_`'s: the factor is max_norm / (norm + 1e-6), at most 1.
    pub fn clip_grad_norm(&self, max_norm: Option<f64>) -> Result<f64, TrainError> {
        let _guard = tch::no_grad_guard();
        let grads: Vec<Tensor> =
            self.slots().map(|slot| slot.weight.grad()).filter(Tensor::defined).collect();
        if grads.is_empty() {
            return Ok(0.0);
        }
        let norms = grads.iter().map(Tensor::f_norm).collect::<Result<Vec<_>, _>>()?;
        let norm = f64::try_from(&Tensor::f_stack(&norms, 0)?.f_norm()?)?;
        let factor = max_norm.map_or(1.0, |max| max / (norm + 1e-6));
        if factor < 1.0 {
            for mut grad in grads {
                let _ = grad.f_mul_scalar_(factor)?;
            }
        }
        Ok(norm)
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.groups.iter().flat_map(|group| &group.slots)
    }

    /// Updates the weights by one step with this learning rate.
    pub fn step(&mut self, lr: f64) -> Result<(), TrainError> {
        let _guard = tch::no_grad_guard();
        self.updates += 1;
        for group in &self.groups {
            let moving: Vec<(&Slot, Tensor)> = group
                .slots
                .iter()
                .map(|slot| (slot, slot.weight.grad()))
                .filter(|(_, grad)| grad.defined())
                .collect();
            match self.plan.rule {
                _ if moving.is_empty() => {}
                UpdateRule::AdamW { betas, eps } => {
                    let step = adam_step(group, lr, betas, eps, true);
                    self.adam(&moving, &step)?;
                }
                UpdateRule::Adam { betas, eps } => {
                    let step = adam_step(group, lr, betas, eps, false);
                    self.adam(&moving, &step)?;
                }
                UpdateRule::Sgd { momentum, nesterov } => {
                    let (lr, weight_decay) = (lr * group.factor, group.weight_decay);
                    sgd(&moving, &SgdStep { lr, momentum, weight_decay, nesterov })?;
                }
            }
        }
        Ok(())
    }

    fn adam(&self, moving: &[(&Slot, Tensor)], step: &AdamStep) -> Result<(), TrainError> {
        let states: Vec<AdamState<'_>> = moving.iter().filter_map(adam_state).collect();
        let Some(first) = states.first() else { return Ok(()) };
        let updates = Tensor::f_full([], self.updates as f64, (Kind::Float, first.weight.device()))?;
        Ok(fused_adam(&states, &updates, step)?)
    }

    /// Sets the number of updates done so far, from which the optimiser continues.
    pub fn set_updates(&mut self, updates: usize) {
        self.updates = updates;
    }

    /// Returns the moments of earlier gradients by name, as a checkpoint holds them: `<weight>.exp_avg` and
    /// `<weight>.exp_avg_sq` for Adam, `<weight>.momentum_buffer` for SGD. These are the names in `torch.optim`.
    pub fn moments(&self) -> impl Iterator<Item = (String, &Tensor)> {
        let names = group::moment_names(self.plan.rule);
        self.slots().flat_map(|slot| {
            names.iter().zip(&slot.moments).map(|(name, moment)| (format!("{}.{name}", slot.name), moment))
        })
    }
}

fn adam_step(group: &Group, lr: f64, (beta1, beta2): (f64, f64), eps: f64, decoupled: bool) -> AdamStep {
    AdamStep { lr: lr * group.factor, beta1, beta2, weight_decay: group.weight_decay, eps, decoupled }
}

/// Returns the state of one weight. `None` never happens, because Adam's slots have two moments.
fn adam_state<'a>((slot, grad): &'a (&'a Slot, Tensor)) -> Option<AdamState<'a>> {
    let [exp_avg, exp_avg_sq] = slot.moments.as_slice() else { return None };
    Some(AdamState { weight: &slot.weight, grad, exp_avg, exp_avg_sq })
}

fn sgd(moving: &[(&Slot, Tensor)], step: &SgdStep) -> Result<(), TrainError> {
    Ok(fused_sgd(&moving.iter().map(sgd_state).collect::<Vec<_>>(), step)?)
}

fn sgd_state<'a>((slot, grad): &'a (&'a Slot, Tensor)) -> SgdState<'a> {
    SgdState { weight: &slot.weight, grad, momentum_buffer: slot.moments.first() }
}
