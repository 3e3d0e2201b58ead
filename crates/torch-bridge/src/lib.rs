//! The one bridge to libtorch's C++ that tch does not bind.
//!
//! All `unsafe` of the project is in this file. What is safe to call is what it exports.

#![expect(unsafe_code, reason = "calls into C++; the rest of the workspace denies unsafe code")]

mod memory;

use std::ffi::{CStr, c_char};

pub use memory::{forget_grad, keep_freed_memory};

use tch::Tensor;

/// Why libtorch refused.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TorchError(String);

/// The numbers of one AdamW step (Loshchilov & Hutter 2019).
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct AdamWStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay rate of the first moment.
    pub beta1: f64,
    /// Decay rate of the second moment.
    pub beta2: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
}

/// A weight, its gradient and its two moments: four tensors of one shape, kind and device.
#[derive(Debug)]
pub struct AdamWState<'a> {
    /// The weight; updated in place.
    pub weight: &'a Tensor,
    /// Its gradient; only read.
    pub grad: &'a Tensor,
    /// Running mean of gradients; updated in place.
    pub exp_avg: &'a Tensor,
    /// Running mean of squared gradients; updated in place.
    pub exp_avg_sq: &'a Tensor,
}

unsafe extern "C" {
    fn cliptune_fused_adamw(
        params: *const *const torch_sys::C_tensor,
        grads: *const *const torch_sys::C_tensor,
        exp_avgs: *const *const torch_sys::C_tensor,
        exp_avg_sqs: *const *const torch_sys::C_tensor,
        n: usize,
        steps: *const torch_sys::C_tensor,
        options: *const AdamWStep,
    ) -> *mut c_char;
    fn cliptune_load_cuda(loaded: *mut bool) -> *mut c_char;
    fn cliptune_free_message(message: *mut c_char);
}

/// One AdamW step over many tensors at once, by libtorch's fused kernel.
///
/// `steps` is a float scalar on the weights' device: the number of updates, this one included. tch's own
/// optimiser walks over the tensors one by one with about ten kernels each and cannot save its moments.
///
/// # Errors
///
/// When libtorch refuses, such as for tensors of different devices. Weights must not be recorded by autograd
/// while they change: call it under `tch::no_grad`.
pub fn fused_adamw(states: &[AdamWState<'_>], steps: &Tensor, step: &AdamWStep) -> Result<(), TorchError> {
    if let Some(odd) = states.iter().find(|state| !of_one_shape(state)) {
        return Err(TorchError(format!("tensors of one weight differ in shape: {:?}", odd.weight.size())));
    }
    let handles = |pick: fn(&AdamWState<'_>) -> *const torch_sys::C_tensor| -> Vec<_> {
        states.iter().map(pick).collect()
    };
    let weights = handles(|state| state.weight.as_ptr());
    let grads = handles(|state| state.grad.as_ptr());
    let exp_avgs = handles(|state| state.exp_avg.as_ptr());
    let exp_avg_sqs = handles(|state| state.exp_avg_sq.as_ptr());
    // SAFETY: each list holds `states.len()` handles of tensors that outlive the call; C++ copies the handles and
    // keeps none. In-place updates go through libtorch's own shared storage, which tch's API changes through
    // shared references as well.
    let message = unsafe {
        cliptune_fused_adamw(
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

fn of_one_shape(state: &AdamWState<'_>) -> bool {
    let shape = state.weight.size();
    [state.grad, state.exp_avg, state.exp_avg_sq].iter().all(|tensor| tensor.size() == shape)
}

/// Loads libtorch's CUDA half when the libtorch in use has one, and says whether it does.
///
/// The binary is linked against the CPU half alone, so that it starts on hosts without CUDA.
///
/// # Errors
///
/// When `libtorch_cuda.so` is there but cannot be loaded, such as for a missing CUDA library.
pub fn load_cuda() -> Result<bool, TorchError> {
    let mut loaded = false;
    // SAFETY: `loaded` is a valid place for one bool; the library's initialisers are libtorch's own.
    let message = unsafe { cliptune_load_cuda(&raw mut loaded) };
    check(message).map(|()| loaded)
}

fn check(message: *mut c_char) -> Result<(), TorchError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: a non-null message is a NUL-terminated string from strdup that is ours to free, once.
    let text = unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        cliptune_free_message(message);
        text
    };
    // libtorch appends a C++ stack trace from the second line on.
    Err(TorchError(text.lines().next().unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Kind, Tensor};

    fn options() -> AdamWStep {
        AdamWStep { lr: 0.1, beta1: 0.9, beta2: 0.99, weight_decay: 0.2, eps: 1e-8 }
    }

    /// ```python
    /// w = torch.nn.Parameter(torch.tensor([1., -2., 3.]))
    /// o = torch.optim.AdamW([w], lr=.1, betas=(.9, .99), eps=1e-8, weight_decay=.2)
    /// for g in ([.5, -1., 2.], [1., 1., -1.]):
    ///     w.grad = torch.tensor(g); o.step()
    /// ```
    /// torch 2.11.0: tensor([ 0.76601249, -1.82806325,  2.75653028])
    #[test]
    fn two_steps_are_those_of_torch_optim_adamw() {
        let weight = Tensor::from_slice(&[1.0f32, -2.0, 3.0]);
        let (mean, square) = (weight.zeros_like(), weight.zeros_like());
        for (n, grad) in [[0.5f32, -1.0, 2.0], [1.0, 1.0, -1.0]].iter().enumerate() {
            let grad = Tensor::from_slice(grad);
            let steps = Tensor::from((n + 1) as f32);
            let state = AdamWState { weight: &weight, grad: &grad, exp_avg: &mean, exp_avg_sq: &square };
            fused_adamw(&[state], &steps, &options()).unwrap();
        }
        let expected = Tensor::from_slice(&EXPECTED);
        assert!((weight - expected).abs().max().double_value(&[]) < 1e-6);
    }

    const EXPECTED: [f32; 3] = [0.766_012_5, -1.828_063_3, 2.756_530_3];

    #[test]
    fn tensors_of_different_shapes_are_refused() {
        let (three, two) =
            (Tensor::zeros([3], (Kind::Float, tch::Device::Cpu)), Tensor::from_slice(&[0.0f32; 2]));
        let state = AdamWState { weight: &three, grad: &two, exp_avg: &three, exp_avg_sq: &three };
        let error = fused_adamw(&[state], &Tensor::from(1.0f32), &options()).unwrap_err();
        assert!(error.to_string().contains("differ in shape"), "{error}");
    }
}
