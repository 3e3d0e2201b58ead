// Sums gradients over a group in buckets while the backward pass goes on, as c10d::Reducer does for PyTorch's
// DistributedDataParallel (Li et al. 2020, "PyTorch Distributed: Experiences on Accelerating Data Parallel Training").
#include "distributed.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "group.h"

namespace {

using torch::autograd::Node;
using torch::autograd::variable_list;

// A weight and its place in a bucket.
struct Slot {
  at::Tensor weight;
  size_t bucket;
  int64_t offset;
  bool is_complete = false;
};

// What one all-reduce carries: the gradients of some weights one after another, and a number for each of them that
// says whether there is one.
struct Bucket {
  size_t first, end;  // of its slots
  int64_t numel;      // of the gradients, without the numbers after them
  size_t missing;     // gradients that are not complete yet
  at::Tensor sent;    // undefined before it goes
  std::unique_ptr<Flight> flight;

  int64_t weights() const { return static_cast<int64_t>(end - first); }
};

// What autograd runs each time that it has accumulated the gradient of a leaf.
class AfterAccumulation : public torch::autograd::FunctionPostHook {
 public:
  explicit AfterAccumulation(std::function<void()> run) : run_(std::move(run)) {}

  variable_list operator()(const variable_list &outputs, const variable_list &) override {
    run_();
    return outputs;
  }

 private:
  std::function<void()> run_;
};

// The place of such a hook, which is free again when this object goes.
class Hook {
 public:
  Hook(const at::Tensor &leaf, std::function<void()> run)
      : accumulator_(torch::autograd::impl::grad_accumulator(leaf)),
        key_(accumulator_->add_post_hook(std::make_unique<AfterAccumulation>(std::move(run)))) {}
  Hook(Hook &&other) noexcept = default;
  Hook &operator=(Hook &&) = delete;
  ~Hook() {
    if (accumulator_) accumulator_->del_post_hook(key_);
  }

 private:
  // A leaf does not keep its accumulator alive.
  std::shared_ptr<Node> accumulator_;
  uintptr_t key_;
};

size_t bytes_of(const at::Tensor &tensor) { return static_cast<size_t>(tensor.numel()) * tensor.element_size(); }

void check(const at::Tensor &weight) {
  bool fits = weight.defined() && weight.is_leaf() && weight.requires_grad() && weight.layout() == at::kStrided &&
              weight.is_floating_point();
  if (!fits) throw std::invalid_argument("only leaves of floats that require a gradient have a place in a bucket");
}

}  // namespace

struct CliptuneBuckets {
 public:
  CliptuneBuckets(std::shared_ptr<Group> group, const std::vector<at::Tensor> &weights, size_t bytes)
      : group_(std::move(group)) {
    for (const at::Tensor &weight : weights) check(weight);
    share_out(weights, bytes);
    hooks_.reserve(slots_.size());
    for (size_t n = 0; n < slots_.size(); ++n) {
      hooks_.emplace_back(slots_[n].weight, [this, n] { accumulated(n); });
    }
    start_over();
  }

  void arm(bool armed) {
    std::lock_guard<std::mutex> lock(mutex_);
    is_armed_ = armed;
  }

  size_t finish() {
    std::lock_guard<std::mutex> lock(mutex_);
    // Whatever happens, the next round starts from nothing.
    auto guard = std::unique_ptr<CliptuneBuckets, void (*)(CliptuneBuckets *)>(
        this, [](CliptuneBuckets *self) { self->start_over(); });
    if (failure_) std::rethrow_exception(failure_);
    // Also after a misuse: the others wait for what this member has.
    while (next_ < buckets_.size()) launch(buckets_[next_++]);
    size_t bytes = 0;
    for (Bucket &bucket : buckets_) {
      bucket.flight->land();
      bytes += bytes_of(bucket.sent);
      hand_back(bucket);
    }
    if (is_misused_) throw std::logic_error("a gradient was accumulated after it had been complete");
    return bytes;
  }

 private:
  // A bucket has tensors of one type on one device. A weight larger than `bytes` has one for itself.
  void share_out(const std::vector<at::Tensor> &weights, size_t bytes) {
    size_t room = 0;
    for (const at::Tensor &weight : weights) {
      bool fits = !buckets_.empty() && bytes_of(weight) <= room &&
                  weight.options().type_equal(slots_.back().weight.options()) &&
                  weight.device() == slots_.back().weight.device();
      if (!fits) {
        buckets_.push_back(Bucket{slots_.size(), slots_.size(), 0, 0, {}, nullptr});
        room = bytes;
      }
      room -= std::min(room, bytes_of(weight));
      Bucket &bucket = buckets_.back();
      slots_.push_back(Slot{weight, buckets_.size() - 1, bucket.numel});
      bucket.numel += weight.numel();
      ++bucket.end;
    }
  }

  void start_over() {
    for (Slot &slot : slots_) slot.is_complete = false;
    for (Bucket &bucket : buckets_) {
      bucket.missing = bucket.end - bucket.first;
      bucket.sent.reset();
      bucket.flight.reset();
    }
    next_ = 0;
    is_armed_ = false;
    is_misused_ = false;
    failure_ = nullptr;
  }

  // Runs on whichever thread computes the backward pass. What fails is told at the end, not to that pass.
  void accumulated(size_t n) {
    std::lock_guard<std::mutex> lock(mutex_);
    Slot &slot = slots_[n];
    is_misused_ |= slot.is_complete;
    if (!is_armed_ || slot.is_complete || failure_) return;
    slot.is_complete = true;
    --buckets_[slot.bucket].missing;
    try {
      // In the same order on all members, whichever is complete first.
      while (next_ < buckets_.size() && buckets_[next_].missing == 0) launch(buckets_[next_++]);
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  // Moves the gradients into the bucket, and lets go of it.
  void launch(Bucket &bucket) {
    at::NoGradGuard no_grad;
    at::Tensor flat =
        at::empty({bucket.numel + bucket.weights()}, slots_[bucket.first].weight.options().requires_grad(false));
    // Filled where they lie: a copy from the host would wait for all that a GPU still has to do.
    at::Tensor defined = flat.narrow(0, bucket.numel, bucket.weights());
    defined.fill_(1);
    for (size_t n = bucket.first; n < bucket.end; ++n) {
      at::Tensor place = place_of(slots_[n], flat), &grad = slots_[n].weight.mutable_grad();
      if (grad.defined()) {
        place.copy_(grad);
      } else {
        place.zero_();
        defined.select(0, static_cast<int64_t>(n - bucket.first)).zero_();
      }
      grad.reset();
    }
    bucket.sent = group_->to_send(flat);
    bucket.flight = group_->sum(bucket.sent);
  }

  // Makes the sums the gradients of the weights, without another copy.
  void hand_back(const Bucket &bucket) {
    at::NoGradGuard no_grad;
    at::Tensor flat = bucket.sent.to(slots_[bucket.first].weight.device());
    at::Tensor defined = bucket.sent.narrow(0, bucket.numel, bucket.weights()).to(at::kCPU, at::kFloat);
    for (size_t n = bucket.first; n < bucket.end; ++n) {
      if (defined.const_data_ptr<float>()[n - bucket.first] == 0) continue;
      slots_[n].weight.mutable_grad() = place_of(slots_[n], flat);
    }
  }

  // Not tracked as a view by autograd, for which a gradient is a tensor like any other.
  static at::Tensor place_of(const Slot &slot, const at::Tensor &flat) {
    at::AutoDispatchBelowADInplaceOrView plain;
    return flat.narrow(0, slot.offset, slot.weight.numel()).view(slot.weight.sizes());
  }

  std::shared_ptr<Group> group_;
  std::mutex mutex_;
  std::vector<Slot> slots_;
  std::vector<Bucket> buckets_;
  std::vector<Hook> hooks_;
  size_t next_ = 0;  // the first bucket that has not gone
  bool is_armed_ = false;
  bool is_misused_ = false;
  std::exception_ptr failure_;  // of a bucket that could not go
};

char *cliptune_buckets_new(CliptuneGroup *group, const at::Tensor *const *weights, size_t n, size_t bytes,
                           CliptuneBuckets **buckets) {
  return guarded([&] {
    std::vector<at::Tensor> handles;
    handles.reserve(n);
    for (size_t i = 0; i < n; ++i) handles.push_back(*weights[i]);
    *buckets = new CliptuneBuckets(group->members, handles, bytes);
  });
}

void cliptune_buckets_arm(CliptuneBuckets *buckets, bool armed) { buckets->arm(armed); }

char *cliptune_buckets_finish(CliptuneBuckets *buckets, size_t *bytes, bool *lost) {
  return guarded(lost, [&] { *bytes = buckets->finish(); });
}

void cliptune_buckets_free(CliptuneBuckets *buckets) { delete buckets; }
