// What Rust calls in libtorch beyond tch's bindings. Every function returns null, or a message that the caller
// frees with cliptune_free_message.
#pragma once
#include <cstddef>

namespace at {
class Tensor;
}

extern "C" {
struct CliptuneAdam {
  double lr, beta1, beta2, weight_decay, eps;
  bool decoupled;
};

struct CliptuneSgd {
  double lr, momentum, weight_decay;
  bool nesterov;
};

// One fused Adam or AdamW step over n tensors. steps is the number of updates so far, this one included: a float
// scalar.
char *cliptune_fused_adam(at::Tensor *const *params, at::Tensor *const *grads, at::Tensor *const *exp_avgs,
                          at::Tensor *const *exp_avg_sqs, size_t n, at::Tensor *steps, const CliptuneAdam *options);

// One fused SGD step over n tensors. momentum_buffers is not read when momentum is 0.
char *cliptune_fused_sgd(at::Tensor *const *params, at::Tensor *const *grads, at::Tensor *const *momentum_buffers,
                         size_t n, const CliptuneSgd *options);

// Settings of the whole process: whether fp32 matrix products may round their inputs (tf32), and whether only
// deterministic kernels may run.
char *cliptune_set_arithmetic(bool tf32, bool deterministic);

// Loads libtorch_cuda.so from the folder that libtorch_cpu.so came from. *loaded says whether there is one.
char *cliptune_load_cuda(bool *loaded);

// Two linear layers with quick_gelu between them, over rows of x. *y is a new handle.
char *cliptune_quick_gelu_mlp(const at::Tensor *x, const at::Tensor *w1, const at::Tensor *b1, const at::Tensor *w2,
                              const at::Tensor *b2, at::Tensor **y);

// Makes the gradient of a leaf undefined.
char *cliptune_forget_grad(at::Tensor *tensor);

// Lets malloc keep what is freed.
void cliptune_keep_freed_memory();

void cliptune_free_message(char *message);
}
