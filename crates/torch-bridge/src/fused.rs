//! Optimiser steps over many tensors at once, by libtorch's fused kernels.
//!
//! tch's own optimisers walk over the tensors one by one with about ten kernels each and cannot save their state.
//! Weights must not be recorded by autograd while they change: call these under `tch::no_grad`.

use std::ffi::c_char;

use tch::Tensor;
use torch_sys::C_tensor;

use crate::{TorchError, check};

/// The numbers of one step of Adam (Kingma & Ba 2015) or AdamW (Loshchilov & Hutter 2019).
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct AdamStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay rate of the first moment.
    pub beta1: f64,
    /// Decay rate of the second moment.
    pub beta2: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Whether weight decay shrinks the weight itself (AdamW) or is added to its gradient (Adam).
    pub decoupled: bool,
}

/// A weight, its gradient and its two moments: four tensors of one shape, kind and device.
#[derive(Debug)]
pub struct AdamState<'a> {
    /// The weight; updated in place.
    pub weight: &'a Tensor,
    /// Its gradient; only read.
    pub grad: &'a Tensor,
    /// Running mean of gradients; updated in place.
    pub exp_avg: &'a Tensor,
    /// Running mean of squared gradients; updated in place.
    pub exp_avg_sq: &'a Tensor,
}

/// The numbers of one step of stochastic gradient descent.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct SgdStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay rate of the running sum of gradients; 0 without one.
    pub momentum: f64,
    /// Weight decay, added to the gradient.
    pub weight_decay: f64,
    /// Whether the step looks ahead along the running sum.
    pub nesterov: bool,
}

/// A weight, its gradient and its running sum: tensors of one shape, kind and device.
#[derive(Debug)]
pub struct SgdState<'a> {
    /// The weight; updated in place.
    pub weight: &'a Tensor,
    /// Its gradient; only read.
    pub grad: &'a Tensor,
    /// Running sum of gradients, zeros before the first step; updated in place. `None` without momentum.
    pub momentum_buffer: Option<&'a Tensor>,
}

unsafe extern "C" {
    fn cliptune_fused_adam(
        params: *const *const C_tensor,
        grads: *const *const C_tensor,
        exp_avgs: *const *const C_tensor,
        exp_avg_sqs: *const *const C_tensor,
        n: usize,
        steps: *const C_tensor,
        options: *const AdamStep,
    ) -> *mut c_char;
    fn cliptune_fused_sgd(
        params: *const *const C_tensor,
        grads: *const *const C_tensor,
        momentum_buffers: *const *const C_tensor,
        n: usize,
        options: *const SgdStep,
    ) -> *mut c_char;
}

/// One step of Adam or AdamW.
///
/// `steps` is a float scalar on the weights' device: the number of updates, this one included.
///
/// # Errors
///
/// When libtorch refuses, such as for tensors of different devices.
pub fn fused_adam(states: &[AdamState<'_>], steps: &Tensor, step: &AdamStep) -> Result<(), TorchError> {
    for state in states {
        of_one_shape(state.weight, &[state.grad, state.exp_avg, state.exp_avg_sq])?;
    }
    let weights = handles(states.iter().map(|state| state.weight));
    let grads = handles(states.iter().map(|state| state.grad));
    let exp_avgs = handles(states.iter().map(|state| state.exp_avg));
    let exp_avg_sqs = handles(states.iter().map(|state| state.exp_avg_sq));
    // SAFETY: each list holds `states.len()` handles of tensors that outlive the call; C++ copies the handles and
    // keeps none. In-place updates go through libtorch's own shared storage, which tch's API changes through
    // shared references as well.
    let message = unsafe {
        cliptune_fused_adam(
            weights.as_ptr(),
            grads.as_ptr(),
            exp_avgs.as_ptr(),
            exp_avg_sqs.as_ptr(),
            states.len(),
            steps.as_ptr(),
            step,
        )
    };
    check(message)
}

/// One step of stochastic gradient descent.
///
/// # Errors
///
/// When libtorch refuses, or there is momentum and a weight has no running sum.
pub fn fused_sgd(states: &[SgdState<'_>], step: &SgdStep) -> Result<(), TorchError> {
    for state in states {
        of_one_shape(state.weight, &[state.grad])?;
        if step.momentum != 0.0 {
            let missing = || TorchError("momentum needs a running sum of gradients".to_owned());
            of_one_shape(state.weight, &[state.momentum_buffer.ok_or_else(missing)?])?;
        }
    }
    let weights = handles(states.iter().map(|state| state.weight));
    let grads = handles(states.iter().map(|state| state.grad));
    let buffers = handles(states.iter().filter_map(|state| state.momentum_buffer));
    // SAFETY: as above; C++ reads `buffers` only with momentum, and then there is one for each weight.
    let message =
        unsafe { cliptune_fused_sgd(weights.as_ptr(), grads.as_ptr(), buffers.as_ptr(), states.len(), step) };
    check(message)
}

fn handles<'a>(tensors: impl Iterator<Item = &'a Tensor>) -> Vec<*const C_tensor> {
    tensors.map(Tensor::as_ptr).collect()
}

fn of_one_shape(weight: &Tensor, others: &[&Tensor]) -> Result<(), TorchError> {
    let shape = weight.size();
    if others.iter().all(|tensor| tensor.size() == shape) {
        return Ok(());
    }
    Err(TorchError(format!("tensors of one weight differ in shape: {shape:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    const GRADIENTS: [[f32; 3]; 2] = [[0.5, -1.0, 2.0], [1.0, 1.0, -1.0]];

    fn weight() -> Tensor {
        Tensor::from_slice(&[1.0f32, -2.0, 3.0])
    }

    fn two_steps_of_adam(decoupled: bool) -> Tensor {
        let options = AdamStep { lr: 0.1, beta1: 0.9, beta2: 0.99, weight_decay: 0.2, eps: 1e-8, decoupled };
        let weight = weight();
        let (mean, square) = (weight.zeros_like(), weight.zeros_like());
        for (n, grad) in GRADIENTS.iter().enumerate() {
            let grad = Tensor::from_slice(grad);
            let steps = Tensor::from((n + 1) as f32);
            let state = AdamState { weight: &weight, grad: &grad, exp_avg: &mean, exp_avg_sq: &square };
            fused_adam(&[state], &steps, &options).unwrap();
        }
        weight
    }

    fn two_steps_of_sgd(momentum: f64, nesterov: bool) -> Tensor {
        let options = SgdStep { lr: 0.1, momentum, weight_decay: 0.2, nesterov };
        let weight = weight();
        let buffer = weight.zeros_like();
        for grad in GRADIENTS {
            let momentum_buffer = (momentum != 0.0).then_some(&buffer);
            let grad = Tensor::from_slice(&grad);
            fused_sgd(&[SgdState { weight: &weight, grad: &grad, momentum_buffer }], &options).unwrap();
        }
        weight
    }

    fn assert_close(computed: &Tensor, expected: [f32; 3]) {
        let difference = (computed - Tensor::from_slice(&expected)).abs().max().double_value(&[]);
        assert!(difference < 1e-6, "{difference:e}");
    }

    /// ```python
    /// for make in (lambda w: torch.optim.AdamW([w], lr=.1, betas=(.9, .99), eps=1e-8, weight_decay=.2),
    ///              lambda w: torch.optim.Adam([w], lr=.1, betas=(.9, .99), eps=1e-8, weight_decay=.2),
    ///              lambda w: torch.optim.SGD([w], lr=.1, weight_decay=.2),
    ///              lambda w: torch.optim.SGD([w], lr=.1, weight_decay=.2, momentum=.9, nesterov=True)):
    ///     w = torch.nn.Parameter(torch.tensor([1., -2., 3.]))
    ///     o = make(w)
    ///     for g in ([.5, -1., 2.], [1., 1., -1.]):
    ///         w.grad = torch.tensor(g); o.step()
    ///     torch.set_printoptions(precision=8); print(w)
    /// ```
    /// torch 2.11.0
    #[test]
    fn two_steps_are_those_of_torch_optim() {
        assert_close(&two_steps_of_adam(true), [0.766_012_5, -1.828_063_3, 2.756_530_3]);
        assert_close(&two_steps_of_adam(false), ADAM);
        assert_close(&two_steps_of_sgd(0.0, false), SGD);
        assert_close(&two_steps_of_sgd(0.9, true), NESTEROV);
    }

    const ADAM: [f32; 3] = [0.801_924_2, -1.868_835_4, 2.845_608_2];
    const SGD: [f32; 3] = [0.811_4, -1.922_8, 2.785_2];
    const NESTEROV: [f32; 3] = [0.587_353_9, -1.744_708, 2.390_172];

    #[test]
    fn tensors_of_different_shapes_are_refused() {
        let (three, two) =
            (Tensor::zeros([3], (Kind::Float, tch::Device::Cpu)), Tensor::from_slice(&[0.0f32; 2]));
        let state = SgdState { weight: &three, grad: &two, momentum_buffer: None };
        let step = SgdStep { lr: 0.1, momentum: 0.0, weight_decay: 0.0, nesterov: false };
        let error = fused_sgd(&[state], &step).unwrap_err();
        assert!(error.to_string().contains("differ in shape"), "{error}");
    }

    #[test]
    fn momentum_without_its_running_sum_is_refused() {
        let weight = weight();
        let state = SgdState { weight: &weight, grad: &weight, momentum_buffer: None };
        let step = SgdStep { lr: 0.1, momentum: 0.9, weight_decay: 0.0, nesterov: false };
        assert!(fused_sgd(&[state], &step).is_err());
    }
}
