//! AdamW over the weights that move.

use cliptune_clip::weights::Role;
use cliptune_torch_bridge::{AdamWState, AdamWStep, forget_grad, fused_adamw};
use tch::{Kind, Tensor};

use crate::error::TrainError;
use crate::model::Parameter;

/// AdamW (Loshchilov & Hutter 2019) by libtorch's fused kernel. Matrices decay, everything else does not.
#[derive(Debug)]
pub struct Optimizer {
    slots: Vec<Slot>,
    settings: cliptune_experiment::AdamW,
    updates: usize,
}

/// One weight with its moments.
#[derive(Debug)]
struct Slot {
    name: String,
    role: Role,
    weight: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
}

impl Optimizer {
    /// Starts with zero moments for these weights.
    pub fn new(parameters: &[&Parameter], settings: cliptune_experiment::AdamW) -> Result<Self, TrainError> {
        let slot = |parameter: &&Parameter| -> Result<Slot, TrainError> {
            let weight = parameter.tensor.shallow_clone();
            let zeros = || weight.f_detach()?.f_zeros_like();
            let (exp_avg, exp_avg_sq) = (zeros()?, zeros()?);
            Ok(Slot {
                name: parameter.spec.name.clone(),
                role: parameter.spec.role,
                weight,
                exp_avg,
                exp_avg_sq,
            })
        };
        let slots = parameters.iter().map(slot).collect::<Result<_, _>>()?;
        Ok(Self { slots, settings, updates: 0 })
    }

    /// Forgets the gradients.
    pub fn zero_grad(&mut self) -> Result<(), TrainError> {
        self.slots.iter_mut().try_for_each(|slot| Ok(forget_grad(&mut slot.weight)?))
    }

    /// Scales the gradients so that their global norm is at most `max_norm` and returns the norm they had.
    ///
    /// The rule is `torch.nn.utils.clip_grad_norm_`'s: the factor is max_norm / (norm + 1e-6), at most 1.
    pub fn clip_grad_norm(&self, max_norm: Option<f64>) -> Result<f64, TrainError> {
        let _guard = tch::no_grad_guard();
        let grads: Vec<Tensor> = self.grads();
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

    fn grads(&self) -> Vec<Tensor> {
        self.slots.iter().map(|slot| slot.weight.grad()).filter(Tensor::defined).collect()
    }

    /// Moves the weights against their gradients with this learning rate.
    pub fn step(&mut self, lr: f64) -> Result<(), TrainError> {
        let _guard = tch::no_grad_guard();
        self.updates += 1;
        for decays in [true, false] {
            self.step_group(decays, lr)?;
        }
        Ok(())
    }

    fn step_group(&self, decays: bool, lr: f64) -> Result<(), TrainError> {
        let group: Vec<(&Slot, Tensor)> = self
            .slots
            .iter()
            .filter(|slot| slot.role.decays() == decays)
            .map(|slot| (slot, slot.weight.grad()))
            .filter(|(_, grad)| grad.defined())
            .collect();
        let Some((first, _)) = group.first() else { return Ok(()) };
        let states: Vec<AdamWState<'_>> = group
            .iter()
            .map(|(slot, grad)| AdamWState {
                weight: &slot.weight,
                grad,
                exp_avg: &slot.exp_avg,
                exp_avg_sq: &slot.exp_avg_sq,
            })
            .collect();
        let steps = Tensor::f_full([], self.updates as f64, (Kind::Float, first.weight.device()))?;
        Ok(fused_adamw(&states, &steps, &self.numbers(decays, lr))?)
    }

    fn numbers(&self, decays: bool, lr: f64) -> AdamWStep {
        let (beta1, beta2) = self.settings.betas;
        let weight_decay = if decays { self.settings.weight_decay } else { 0.0 };
        AdamWStep { lr, beta1, beta2, weight_decay, eps: self.settings.eps }
    }

    /// Continues after this many updates.
    pub fn set_updates(&mut self, updates: usize) {
        self.updates = updates;
    }

    /// The moments by name, as a checkpoint holds them: `<weight>.exp_avg` and `<weight>.exp_avg_sq`.
    pub fn moments(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.slots.iter().flat_map(|slot| {
            [
                (format!("{}.exp_avg", slot.name), &slot.exp_avg),
                (format!("{}.exp_avg_sq", slot.name), &slot.exp_avg_sq),
            ]
        })
    }
}
