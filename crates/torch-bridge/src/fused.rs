//! Optimiser steps over many tensors at once, by libtorch's fused kernels.
//!
//! tch's own optimisers walk over the tensors one by one with about ten kernels each and cannot save their state.
//! Weights must not be recorded by autograd while they change: call these under `tch::no_grad`.

use std::ffi::c_char;

use tch::{Kind, Tensor};
use torch_sys::C_tensor;

use crate::{TorchError, check};

/// The settings of one step of Adam (Kingma & Ba 2015) or AdamW (Loshchilov & Hutter 2019).
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct AdamStep {
    /// The learning rate.
    pub lr: f64,
    /// The decay rate of the first moment.
    pub beta1: f64,
    /// The decay rate of the second moment.
    pub beta2: f64,
    /// The weight decay.
    pub weight_decay: f64,
    /// The number that is added to the root of the second moment.
    pub eps: f64,
    /// Whether weight decay shrinks the weight itself (AdamW) or is added to its gradient (Adam).
    pub decoupled: bool,
}

/// A weight, its gradient and its two moments: four tensors of one shape, kind and device.
#[derive(Debug)]
pub struct AdamState<'a> {
    /// The weight; updated in place.
    pub weight: &'a Tensor,
    /// The gradient of the weight; only read.
    pub grad: &'a Tensor,
    /// The running mean of gradients; updated in place.
    pub exp_avg: &'a Tensor,
    /// The running mean of squared gradients; updated in place.
    pub exp_avg_sq: &'a Tensor,
}

/// The settings of one step of stochastic gradient descent.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct SgdStep {
    /// The learning rate.
    pub lr: f64,
    /// The decay rate of the running sum of gradients; 0 for no momentum.
    pub momentum: f64,
    /// The weight decay, added to the gradient.
    pub weight_decay: f64,
    /// Whether the step looks ahead along the running sum.
    pub nesterov: bool,
}

/// A weight, its gradient and its running sum: tensors of one shape, kind and device.
#[derive(Debug)]
pub struct SgdState<'a> {
    /// The weight; updated in place.
    pub weight: &'a Tensor,
    /// The gradient of the weight; only read.
    pub grad: &'a Tensor,
    /// The running sum of gradients, zeros before the first step; updated in place. `None` without momentum.
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

/// Takes one step of Adam or AdamW.
///
/// `steps` is a float scalar on the weights' device that holds the number of updates, including this one.
///
/// # Errors
///
/// Returns an error when the tensors of one weight do not match, `steps` is not such a scalar, or libtorch refuses.
pub fn fused_adam(states: &[AdamState<'_>], steps: &Tensor, step: &AdamStep) -> Result<(), TorchError> {
    for state in states {
        go_together(state.weight, &[state.grad, state.exp_avg, state.exp_avg_sq])?;
        counts_on(state.weight, steps)?;
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

/// Takes one step of stochastic gradient descent.
///
/// # Errors
///
/// Returns an error when the tensors of one weight do not match, a weight has no running sum although there is
/// momentum, or libtorch refuses.
pub fn fused_sgd(states: &[SgdState<'_>], step: &SgdStep) -> Result<(), TorchError> {
    for state in states {
        go_together(state.weight, &[state.grad])?;
        if step.momentum != 0.0 {
            let missing = || TorchError::refused("momentum needs a running sum of gradients");
            go_together(state.weight, &[state.momentum_buffer.ok_or_else(missing)?])?;
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

/// Refuses tensors that a kernel would read past their end or misread as other numbers. The kernel walks over the
/// memory of all of them in step and takes the layout from the weight alone.
fn go_together(weight: &Tensor, others: &[&Tensor]) -> Result<(), TorchError> {
    let shape = if weight.defined() { weight.size() } else { Vec::new() };
    for tensor in [&[weight], others].concat() {
        let fault = match tensor {
            _ if !tensor.defined() => "one is not defined",
            _ if tensor.size() != shape => "they differ in shape",
            _ if !matches!(tensor.kind(), Kind::Float | Kind::Double) => "one holds no 32 or 64-bit floats",
            _ if tensor.kind() != weight.kind() => "they differ in kind",
            _ if tensor.device() != weight.device() => "they are on different devices",
            _ if tensor.is_sparse() || !tensor.is_contiguous() => "one is not contiguous",
            _ => continue,
        };
        return Err(TorchError::refused(format!(
            "tensors of a weight of shape {shape:?} do not go together: {fault}"
        )));
    }
    Ok(())
}

/// Refuses a number of updates that the kernel cannot read.
fn counts_on(weight: &Tensor, steps: &Tensor) -> Result<(), TorchError> {
    if steps.numel() == 1 && steps.kind() == Kind::Float && steps.device() == weight.device() {
        return Ok(());
    }
    Err(TorchError::refused("the number of updates is not one 32-bit float on the weights' device"))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn zeros(shape: &[i64], kind: Kind) -> Tensor {
        Tensor::zeros(shape, (kind, tch::Device::Cpu))
    }

    /// Returns tensors that do not match a weight of `[2, 3]` 32-bit floats, each with the expected error message.
    fn misfits() -> Vec<(Tensor, &'static str)> {
        vec![
            (zeros(&[3, 2], Kind::Float), "they differ in shape"),
            (zeros(&[6], Kind::Float), "they differ in shape"),
            (zeros(&[2, 3], Kind::Double), "they differ in kind"),
            (zeros(&[2, 3], Kind::Half), "one holds no 32 or 64-bit floats"),
            (zeros(&[2, 3], Kind::Int64), "one holds no 32 or 64-bit floats"),
            (zeros(&[3, 2], Kind::Float).transpose(0, 1), "one is not contiguous"),
            (zeros(&[1, 3], Kind::Float).expand([2, 3], false), "one is not contiguous"),
            (zeros(&[2, 6], Kind::Float).slice(1, 0, 6, 2), "one is not contiguous"),
            (Tensor::new(), "one is not defined"),
        ]
    }

    #[test]
    fn tensors_that_do_not_go_together_are_refused_wherever_they_stand() {
        let fit = || zeros(&[2, 3], Kind::Float);
        let sgd = SgdStep { lr: 0.1, momentum: 0.9, weight_decay: 0.0, nesterov: false };
        let adam =
            AdamStep { lr: 0.1, beta1: 0.9, beta2: 0.99, weight_decay: 0.2, eps: 1e-8, decoupled: true };
        let steps = Tensor::from(1.0f32);
        for (misfit, fault) in misfits() {
            let (weight, other) = (fit(), fit());
            let as_gradient = SgdState { weight: &weight, grad: &misfit, momentum_buffer: Some(&other) };
            let as_sum = SgdState { weight: &weight, grad: &other, momentum_buffer: Some(&misfit) };
            for state in [as_gradient, as_sum] {
                let error = fused_sgd(&[state], &sgd).unwrap_err().to_string();
                assert!(error.ends_with(fault), "{error}, not {fault}");
            }
            for place in 0..3 {
                let of = |at| if at == place { &misfit } else { &other };
                let state = AdamState { weight: &weight, grad: of(0), exp_avg: of(1), exp_avg_sq: of(2) };
                let error = fused_adam(&[state], &steps, &adam).unwrap_err().to_string();
                assert!(error.ends_with(fault), "{error}, not {fault}");
            }
        }
    }

    #[test]
    fn a_weight_that_is_not_contiguous_is_refused_though_all_its_tensors_are_alike() {
        let turned = || zeros(&[3, 2], Kind::Float).transpose(0, 1);
        let (weight, grad) = (turned(), turned());
        let state = SgdState { weight: &weight, grad: &grad, momentum_buffer: None };
        let step = SgdStep { lr: 0.1, momentum: 0.0, weight_decay: 0.0, nesterov: false };
        assert!(fused_sgd(&[state], &step).unwrap_err().to_string().ends_with("one is not contiguous"));
    }

    #[test]
    fn a_number_of_updates_that_is_no_float_scalar_is_refused() {
        let adam =
            AdamStep { lr: 0.1, beta1: 0.9, beta2: 0.99, weight_decay: 0.2, eps: 1e-8, decoupled: true };
        for steps in [Tensor::from(1i64), Tensor::from(1.0f64), Tensor::from_slice(&[1.0f32, 2.0])] {
            let [weight, grad, mean, square] = [(); 4].map(|()| zeros(&[2], Kind::Float));
            let state = AdamState { weight: &weight, grad: &grad, exp_avg: &mean, exp_avg_sq: &square };
            let error = fused_adam(&[state], &steps, &adam).unwrap_err().to_string();
            assert!(error.starts_with("the number of updates is not one 32-bit float"), "{error}");
        }
    }

    #[test]
    fn momentum_without_its_running_sum_is_refused() {
        let weight = weight();
        let state = SgdState { weight: &weight, grad: &weight, momentum_buffer: None };
        let step = SgdStep { lr: 0.1, momentum: 0.9, weight_decay: 0.0, nesterov: false };
        assert!(fused_sgd(&[state], &step).is_err());
    }
}
