// A process group without the headers of c10d, which take long to compile.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <vector>

#include <ATen/core/Tensor.h>

#include "../guarded.h"

// The others are gone, do not go on in time, or cannot be reached.
struct Lost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <typename F>
char *guarded(bool *lost, F &&body) {
  *lost = false;
  return guarded([&] {
    try {
      body();
    } catch (const Lost &) {
      *lost = true;
      throw;
    }
  });
}

// A collective operation that is under way. To forget one does not end it: it holds its tensors itself.
class Flight {
 public:
  virtual ~Flight() = default;
  // Waits for its end. Throws Lost.
  virtual void land() = 0;
};

// The members of a group start the same operations in the same order. Tensors are contiguous, lie on a device that the
// group carries them from, and are neither read nor written before the landing. Throws Lost after the group was left or
// an operation failed, since the members are no longer at the same place then.
class Group {
 public:
  virtual ~Group() = default;
  virtual std::unique_ptr<Flight> sum(at::Tensor tensor) = 0;
  virtual std::unique_ptr<Flight> gather(at::Tensor tensor, std::vector<at::Tensor> tensors) = 0;
  virtual std::unique_ptr<Flight> broadcast(at::Tensor tensor, size_t root) = 0;
  virtual std::unique_ptr<Flight> barrier() = 0;
  virtual size_t world() const = 0;
  virtual bool carries(const at::Device &device) const = 0;
  virtual void leave() = 0;

  // The tensor itself where it can be sent as it lies, otherwise a copy.
  at::Tensor to_send(const at::Tensor &tensor) const {
    at::Tensor data = tensor.detach();
    return (carries(data.device()) ? data : data.to(at::kCPU)).contiguous();
  }
};

// Shared with what has operations to start later, so that the group outlives it.
struct CliptuneGroup {
  std::shared_ptr<Group> members;
};
