// The collective operations of a c10d backend, whichever it is.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "group.h"

// Whether the group was left, or an operation of it has failed.
using Over = std::shared_ptr<std::atomic<bool>>;

// For whoever waits for an operation.
inline void check_open(const Over &is_over) {
  if (is_over->load()) throw std::runtime_error("the connections to the other processes were closed");
}

// What a process is in a group, and how long an operation may take.
struct Place {
  int rank, world;
  std::chrono::milliseconds timeout;
  // One for all that carries tensors of the group: what one of them could not carry ends the others, too.
  Over is_over = std::make_shared<std::atomic<bool>>(false);
};

// c10d's FlightRecorder looks up its groups before it takes its lock. Several groups are in one process in tests.
inline std::mutex recording;

// A connection of its own, since a waiting `get` keeps others off its connection.
inline c10::intrusive_ptr<c10d::Store> keys_of(const char *prefix, c10d::Store &store) {
  auto keys = c10::make_intrusive<c10d::PrefixStore>(prefix, store.clone());
  if (keys->getTimeout() != store.getTimeout()) keys->setTimeout(store.getTimeout());
  return keys;
}

class Collectives : public Group {
 public:
  Collectives(c10::intrusive_ptr<c10d::Backend> backend, c10::intrusive_ptr<c10d::Store> store, const Place &place)
      : store_(std::move(store)), backend_(std::move(backend)), timeout_(place.timeout), is_over_(place.is_over) {}

  std::unique_ptr<Flight> sum(at::Tensor tensor) override {
    std::vector<at::Tensor> tensors{std::move(tensor)};
    c10d::AllreduceOptions options;
    options.timeout = timeout_;
    return start([&] { return backend_->allreduce(tensors, options); });
  }

  std::unique_ptr<Flight> gather(at::Tensor tensor, std::vector<at::Tensor> tensors) override {
    std::vector<at::Tensor> inputs{std::move(tensor)};
    std::vector<std::vector<at::Tensor>> outputs{std::move(tensors)};
    c10d::AllgatherOptions options;
    options.timeout = timeout_;
    return start([&] { return backend_->allgather(outputs, inputs, options); });
  }

  std::unique_ptr<Flight> broadcast(at::Tensor tensor, size_t root) override {
    std::vector<at::Tensor> tensors{std::move(tensor)};
    c10d::BroadcastOptions options;
    options.rootRank = static_cast<int64_t>(root);
    options.timeout = timeout_;
    return start([&] { return backend_->broadcast(tensors, options); });
  }

  std::unique_ptr<Flight> barrier() override {
    c10d::BarrierOptions options;
    options.timeout = timeout_;
    return start([&] { return backend_->barrier(options); });
  }

  size_t world() const override { return static_cast<size_t>(backend_->getSize()); }

  void leave() override {
    // Whoever waits learns it at once. The lock is held for long where an operation has to connect GPUs before it starts.
    is_over_->store(true);
    std::lock_guard<std::mutex> lock(starting_);
    close();
  }

 protected:
  // For the destructors of what is derived, which must not throw. That of c10d's group would wait for operations that nobody
  // will go on with. Its threads end with the process, or when the operations time out.
  void let_go() noexcept {
    try {
      if (!is_under_way()) return;
      leave();
    } catch (...) {
      // What cannot be closed is not waited for either.
    }
    forget();
  }

  // Leaves c10d's group to the end of the process.
  void forget() noexcept { (void)backend_.release(); }

  virtual std::unique_ptr<Flight> flight(c10::intrusive_ptr<c10d::Work> work) = 0;
  // Makes what the others wait for fail.
  virtual void close() = 0;

  c10d::Backend *backend() const { return backend_.get(); }
  const Over &is_over() const { return is_over_; }
  std::chrono::milliseconds timeout() const { return timeout_; }

 private:
  // Operations are told apart by a number that c10d counts without a lock.
  template <typename F>
  std::unique_ptr<Flight> start(F &&operation) {
    std::lock_guard<std::mutex> lock(starting_);
    if (is_over_->load()) throw Lost("the connections to the other processes are closed");
    forget_completed();
    std::lock_guard<std::mutex> lock_of_all(recording);
    under_way_.push_back(operation());
    return flight(under_way_.back());
  }

  void forget_completed() {
    std::erase_if(under_way_, [](const auto &work) { return work->isCompleted(); });
  }

  bool is_under_way() {
    std::lock_guard<std::mutex> lock(starting_);
    forget_completed();
    return !under_way_.empty();
  }

  // Others may still need it for joining after this member has joined, and where it is hosted here it ends with this.
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<c10d::Backend> backend_;
  std::chrono::milliseconds timeout_;
  std::mutex starting_;
  std::vector<c10::intrusive_ptr<c10d::Work>> under_way_;
  Over is_over_;
};
