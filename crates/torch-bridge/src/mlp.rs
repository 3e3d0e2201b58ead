//! The MLP of a transformer block, with a gradient of its own.

use std::ffi::c_char;
use std::ptr;

use tch::Tensor;
use torch_sys::C_tensor;

use crate::{TorchError, check};

unsafe extern "C" {
    fn cliptune_quick_gelu_mlp(
        x: *const C_tensor,
        w1: *const C_tensor,
        b1: *const C_tensor,
        w2: *const C_tensor,
        b2: *const C_tensor,
        y: *mut *mut C_tensor,
    ) -> *mut c_char;
}

/// A linear layer with a matrix of `[out, in]` and a bias of `[out]`.
#[derive(Clone, Copy, Debug)]
pub struct Linear<'a> {
    /// The matrix, `[out, in]`.
    pub weight: &'a Tensor,
    /// The bias, `[out]`.
    pub bias: &'a Tensor,
}

/// Computes two linear layers with quick_gelu, x·σ(1.702x), between them: `[rows, in]` → `[rows, out]`. Autograd
/// records them as one operation.
///
/// # Errors
///
/// Returns an error when libtorch refuses, for example because the shapes do not match.
pub fn quick_gelu_mlp(x: &Tensor, first: Linear<'_>, second: Linear<'_>) -> Result<Tensor, TorchError> {
    let mut y = ptr::null_mut();
    // SAFETY: the handles are valid while the tensors are borrowed; without an error, `y` is a new handle that is ours.
    unsafe {
        check(cliptune_quick_gelu_mlp(
            x.as_ptr(),
            first.weight.as_ptr(),
            first.bias.as_ptr(),
            second.weight.as_ptr(),
            second.bias.as_ptr(),
            &raw mut y,
        ))?;
        Ok(Tensor::from_ptr(y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    fn leaf(shape: &[i64], seed: i64) -> Tensor {
        let numbers = Tensor::arange(shape.iter().product::<i64>(), (Kind::Float, Device::Cpu));
        ((numbers * 1.7 + seed).sin() * 0.8).view(shape).set_requires_grad(true)
    }

    fn step_by_step(x: &Tensor, [w1, b1, w2, b2]: [&Tensor; 4]) -> Tensor {
        let hidden = x.linear(w1, Some(b1));
        (&hidden * (&hidden * 1.702).sigmoid()).linear(w2, Some(b2))
    }

    #[test]
    fn it_and_its_gradients_are_those_of_its_parts() {
        let inputs = || [leaf(&[3, 4], 0), leaf(&[6, 4], 1), leaf(&[6], 2), leaf(&[4, 6], 3), leaf(&[4], 4)];
        let (ours, parts) = (inputs(), inputs());
        let y = quick_gelu_mlp(
            &ours[0],
            Linear { weight: &ours[1], bias: &ours[2] },
            Linear { weight: &ours[3], bias: &ours[4] },
        )
        .unwrap();
        let expected = step_by_step(&parts[0], [&parts[1], &parts[2], &parts[3], &parts[4]]);
        let target = leaf(&[3, 4], 5).detach();
        for output in [&y, &expected] {
            (output * &target).sum(Kind::Float).backward();
        }
        let apart = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]);
        assert!(apart(&y, &expected) < 1e-5);
        for (ours, parts) in ours.iter().zip(&parts) {
            assert!(apart(&ours.grad(), &parts.grad()) < 1e-5, "{:?}", ours.size());
        }
    }

    #[test]
    fn what_does_not_move_has_no_gradient() {
        let [x, w1, b1, w2, b2] =
            [leaf(&[3, 4], 0), leaf(&[6, 4], 1), leaf(&[6], 2), leaf(&[4, 6], 3), leaf(&[4], 4)];
        let w1 = w1.detach();
        let y =
            quick_gelu_mlp(&x, Linear { weight: &w1, bias: &b1 }, Linear { weight: &w2, bias: &b2 }).unwrap();
        y.sum(Kind::Float).backward();
        assert!(!w1.grad().defined() && b1.grad().defined() && x.grad().defined());
    }

    #[test]
    fn shapes_that_do_not_go_together_are_refused() {
        let [x, w1, b1] = [leaf(&[3, 5], 0), leaf(&[6, 4], 1), leaf(&[6], 2)];
        let layer = Linear { weight: &w1, bias: &b1 };
        assert!(quick_gelu_mlp(&x, layer, layer).is_err());
    }
}
