#include "bridge.h"

#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>

#include "guarded.h"

namespace {

std::vector<at::Tensor> list(at::Tensor *const *tensors, size_t n) {
  std::vector<at::Tensor> handles;
  handles.reserve(n);
  for (size_t i = 0; i < n; ++i) handles.push_back(*tensors[i]);
  return handles;
}

std::string folder_of_libtorch() {
  Dl_info info;
  // Any function of libtorch_cpu.so tells where the loader found it.
  void *symbol = reinterpret_cast<void *>(&at::_ops::_fused_adamw_::call);
  if (dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return "";
  std::string path = info.dli_fname;
  auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

}  // namespace

char *cliptune_fused_adam(at::Tensor *const *params, at::Tensor *const *grads, at::Tensor *const *exp_avgs,
                          at::Tensor *const *exp_avg_sqs, size_t n, at::Tensor *steps, const CliptuneAdam *options) {
  return guarded([&] {
    std::vector<at::Tensor> weights = list(params, n), means = list(exp_avgs, n), squares = list(exp_avg_sqs, n);
    auto step = [&](auto fused) {
      fused(weights, list(grads, n), means, squares, at::TensorList{}, std::vector<at::Tensor>(n, *steps));
    };
    const CliptuneAdam &o = *options;
    if (o.decoupled) {
      step([&](auto &&...tensors) {
        at::_fused_adamw_(tensors..., o.lr, o.beta1, o.beta2, o.weight_decay, o.eps, /*amsgrad=*/false,
                          /*maximize=*/false);
      });
    } else {
      step([&](auto &&...tensors) {
        at::_fused_adam_(tensors..., o.lr, o.beta1, o.beta2, o.weight_decay, o.eps, /*amsgrad=*/false,
                         /*maximize=*/false);
      });
    }
  });
}

char *cliptune_fused_sgd(at::Tensor *const *params, at::Tensor *const *grads, at::Tensor *const *momentum_buffers,
                         size_t n, const CliptuneSgd *options) {
  return guarded([&] {
    // Without momentum the kernel wants no buffers. With it, buffers of zeros make the first step like any other.
    std::vector<at::Tensor> weights = list(params, n),
                            buffers = list(momentum_buffers, options->momentum == 0 ? 0 : n);
    at::_fused_sgd_(weights, list(grads, n), buffers, options->weight_decay, options->momentum, options->lr,
                    /*dampening=*/0, options->nesterov, /*maximize=*/false, /*is_first_step=*/false);
  });
}

char *cliptune_set_arithmetic(bool tf32, bool deterministic) {
  return guarded([&] {
    at::Context &context = at::globalContext();
    context.setFloat32MatmulPrecision(tf32 ? "high" : "highest");
    context.setDeterministicAlgorithms(deterministic, /*warn_only=*/false);
    // Only a debugging aid, at the price of writing all memory twice.
    context.setDeterministicFillUninitializedMemory(false);
    context.setBenchmarkCuDNN(!deterministic);
    // The fused attentions add up gradients in whatever order their blocks finish.
    context.setSDPUseFlash(!deterministic);
    context.setSDPUseMemEfficient(!deterministic);
    context.setSDPUseCuDNN(!deterministic);
  });
}

char *cliptune_forget_grad(at::Tensor *tensor) {
  return guarded([&] { tensor->mutable_grad().reset(); });
}

void cliptune_keep_freed_memory() {
  // Larger than any tensor, within what mallopt takes.
  mallopt(M_MMAP_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
}

char *cliptune_load_cuda(bool *loaded) {
  *loaded = false;
  std::string path = folder_of_libtorch() + "libtorch_cuda.so";
  if (access(path.c_str(), R_OK) != 0) return nullptr;
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) return strdup(dlerror());
  *loaded = true;
  return nullptr;
}

void cliptune_free_message(char *message) { std::free(message); }
