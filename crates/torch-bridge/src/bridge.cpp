#include "bridge.h"

#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/_fused_adamw.h>

namespace {

std::vector<at::Tensor> list(at::Tensor *const *tensors, size_t n) {
  std::vector<at::Tensor> handles;
  handles.reserve(n);
  for (size_t i = 0; i < n; ++i) handles.push_back(*tensors[i]);
  return handles;
}

// No exception may cross into Rust.
template <typename F>
char *guarded(F &&body) {
  try {
    body();
    return nullptr;
  } catch (const std::exception &error) {
    return strdup(error.what());
  } catch (...) {
    return strdup("unknown C++ exception");
  }
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

char *cliptune_fused_adamw(at::Tensor *const *params, at::Tensor *const *grads, at::Tensor *const *exp_avgs,
                           at::Tensor *const *exp_avg_sqs, size_t n, at::Tensor *steps,
                           const CliptuneAdamW *options) {
  return guarded([&] {
    std::vector<at::Tensor> weights = list(params, n), means = list(exp_avgs, n), squares = list(exp_avg_sqs, n);
    at::_fused_adamw_(weights, list(grads, n), means, squares, /*max_exp_avg_sqs=*/{},
                      std::vector<at::Tensor>(n, *steps), options->lr, options->beta1, options->beta2,
                      options->weight_decay, options->eps, /*amsgrad=*/false, /*maximize=*/false,
                      /*grad_scale=*/{}, /*found_inf=*/{});
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
