// The key-value store and the process group, by torch.distributed's C++ library. No other file includes its headers.
#define USE_C10D_GLOO 1

#include "distributed.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>

#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "group.h"

struct CliptuneStore {
  c10::intrusive_ptr<c10d::Store> keys;
  uint16_t port;
};

namespace {

using std::chrono::milliseconds;

// c10d writes whatever it throws to the standard error as well, with traces of the stack. People who look for a fault
// in it set this variable.
void write_no_log() {
  constexpr int only_fatal = 3;
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = only_fatal;
}

c10d::TCPStoreOptions options_of(const CliptuneMeeting &meeting) {
  c10d::TCPStoreOptions options;
  options.port = meeting.port;
  options.isServer = meeting.hosts_store;
  options.numWorkers = meeting.world;
  options.waitWorkers = false;
  options.timeout = milliseconds(meeting.timeout_ms);
  return options;
}

std::vector<std::string> split(const std::string &names) {
  std::vector<std::string> parts;
  std::istringstream stream(names);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

// The time between two looks at whether a group was left. c10d throws each time, so that it is not short.
constexpr milliseconds kLook{2000};

class GlooFlight : public Flight {
 public:
  GlooFlight(c10::intrusive_ptr<c10d::Work> work, std::shared_ptr<std::atomic<bool>> is_over)
      : work_(std::move(work)), is_over_(std::move(is_over)) {}

  void land() override {
    try {
      while (!has_landed()) {
        if (is_over_->load()) throw std::runtime_error("the connections to the other processes were closed");
      }
    } catch (const std::exception &error) {
      is_over_->store(true);
      throw Lost(error.what());
    }
  }

 private:
  // Waits for a while. Closing this member's own connections does not end what it waits for.
  bool has_landed() {
    try {
      return work_->wait(kLook);
    } catch (const std::exception &) {
      if (!work_->isCompleted()) return false;
    }
    // It may have ended just now, and otherwise says why it failed.
    return work_->wait();
  }

  c10::intrusive_ptr<c10d::Work> work_;
  std::shared_ptr<std::atomic<bool>> is_over_;
};

// The connections are in a field of the class that it has no call to close. No object of this type is made.
struct Connections : c10d::ProcessGroupGloo {
  static void close(c10d::ProcessGroupGloo &group) {
    for (const auto &context : group.*(&Connections::contexts_)) context->closeConnections();
  }
};

// c10d's FlightRecorder looks up its groups before it takes its lock. Several groups are in one process in tests.
std::mutex recording;

class Gloo : public Group {
 public:
  Gloo(c10::intrusive_ptr<c10d::ProcessGroupGloo> group, c10::intrusive_ptr<c10d::Store> store, milliseconds timeout)
      : store_(std::move(store)), group_(std::move(group)), timeout_(timeout) {}

  ~Gloo() override {
    if (!is_under_way()) return;
    // The destructor of c10d's group would wait for operations that nobody will go on with. Its threads end with the
    // process, or when the operations time out.
    leave();
    (void)group_.release();
  }

  std::unique_ptr<Flight> sum(at::Tensor tensor) override {
    std::vector<at::Tensor> tensors{std::move(tensor)};
    c10d::AllreduceOptions options;
    options.timeout = timeout_;
    return start([&] { return group_->allreduce(tensors, options); });
  }

  std::unique_ptr<Flight> gather(at::Tensor tensor, std::vector<at::Tensor> tensors) override {
    std::vector<at::Tensor> inputs{std::move(tensor)};
    std::vector<std::vector<at::Tensor>> outputs{std::move(tensors)};
    c10d::AllgatherOptions options;
    options.timeout = timeout_;
    return start([&] { return group_->allgather(outputs, inputs, options); });
  }

  std::unique_ptr<Flight> broadcast(at::Tensor tensor, size_t root) override {
    std::vector<at::Tensor> tensors{std::move(tensor)};
    c10d::BroadcastOptions options;
    options.rootRank = static_cast<int64_t>(root);
    options.timeout = timeout_;
    return start([&] { return group_->broadcast(tensors, options); });
  }

  std::unique_ptr<Flight> barrier() override {
    c10d::BarrierOptions options;
    options.timeout = timeout_;
    return start([&] { return group_->barrier(options); });
  }

  size_t world() const override { return static_cast<size_t>(group_->getSize()); }

  void leave() override {
    std::lock_guard<std::mutex> lock(starting_);
    is_over_->store(true);
    Connections::close(*group_);
  }

 private:
  // Operations are told apart by a number that c10d counts without a lock.
  template <typename F>
  std::unique_ptr<Flight> start(F &&operation) {
    std::lock_guard<std::mutex> lock(starting_);
    if (is_over_->load()) throw Lost("the connections to the other processes are closed");
    forget_completed();
    std::lock_guard<std::mutex> lock_of_all(recording);
    under_way_.push_back(operation());
    return std::make_unique<GlooFlight>(under_way_.back(), is_over_);
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
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
  milliseconds timeout_;
  std::mutex starting_;
  std::vector<c10::intrusive_ptr<c10d::Work>> under_way_;
  std::shared_ptr<std::atomic<bool>> is_over_ = std::make_shared<std::atomic<bool>>(false);
};

std::shared_ptr<Group> join(const CliptuneStore &store, size_t rank, size_t world, const char *interfaces,
                            milliseconds timeout) {
  using c10d::ProcessGroupGloo;
  // To form the group takes as long as to meet, at most.
  milliseconds patience = store.keys->getTimeout();
  auto options = ProcessGroupGloo::Options::create(patience);
  for (const std::string &interface : split(interfaces == nullptr ? "" : interfaces)) {
    options->devices.push_back(ProcessGroupGloo::createDeviceForInterface(interface));
  }
  if (options->devices.empty()) options->devices.push_back(ProcessGroupGloo::createDefaultDevice());
  options->threads = static_cast<int>(options->devices.size()) * 2;
  try {
    // A connection of its own, since a waiting `get` keeps others off its connection.
    auto keys = c10::make_intrusive<c10d::PrefixStore>("gloo", store.keys->clone());
    if (keys->getTimeout() != patience) keys->setTimeout(patience);
    auto connected = c10::make_intrusive<ProcessGroupGloo>(keys, static_cast<int>(rank), static_cast<int>(world),
                                                           std::move(options));
    auto group = std::make_shared<Gloo>(std::move(connected), store.keys, timeout);
    // Until here only this member is connected to all others.
    group->barrier()->land();
    return group;
  } catch (const std::exception &error) {
    throw Lost(error.what());
  }
}

// A contiguous copy in the memory of the host, or the tensor itself where it is that.
at::Tensor on_host(const at::Tensor &tensor) { return tensor.detach().to(at::kCPU).contiguous(); }

void write_back(const at::Tensor &host, const at::Tensor &tensor) {
  if (!host.is_alias_of(tensor)) tensor.detach().copy_(host);
}

}  // namespace

char *cliptune_store_meet(const CliptuneMeeting *meeting, CliptuneStore **store) {
  return guarded([&] {
    write_no_log();
    auto tcp = c10::make_intrusive<c10d::TCPStore>(meeting->host, options_of(*meeting));
    *store = new CliptuneStore{c10::make_intrusive<c10d::PrefixStore>(meeting->prefix, tcp), tcp->getPort()};
  });
}

char *cliptune_store_within_process(int64_t timeout_ms, CliptuneStore **store) {
  return guarded([&] {
    write_no_log();
    auto keys = c10::make_intrusive<c10d::HashStore>();
    keys->setTimeout(milliseconds(timeout_ms));
    *store = new CliptuneStore{std::move(keys), 0};
  });
}

uint16_t cliptune_store_port(const CliptuneStore *store) { return store->port; }

char *cliptune_store_set(CliptuneStore *store, const char *key, const uint8_t *value, size_t length) {
  return guarded([&] { store->keys->set(key, std::vector<uint8_t>(value, value + length)); });
}

char *cliptune_store_get(CliptuneStore *store, const char *key, int64_t timeout_ms, uint8_t **value, size_t *length) {
  *value = nullptr;
  return guarded([&] {
    try {
      store->keys->wait({key}, milliseconds(timeout_ms));
    } catch (const c10::DistStoreError &) {
      return;
    }
    std::vector<uint8_t> bytes = store->keys->get(key);
    // An empty value is not a null pointer.
    *value = static_cast<uint8_t *>(std::malloc(bytes.size() + 1));
    if (*value == nullptr) throw std::bad_alloc();
    std::copy(bytes.begin(), bytes.end(), *value);
    *length = bytes.size();
  });
}

char *cliptune_store_add(CliptuneStore *store, const char *key, int64_t amount, int64_t *sum) {
  return guarded([&] { *sum = store->keys->add(key, amount); });
}

void cliptune_store_free(CliptuneStore *store) { delete store; }

void cliptune_free_value(uint8_t *value) { std::free(value); }

char *cliptune_group_join(const CliptuneStore *store, size_t rank, size_t world, const char *interfaces,
                          int64_t timeout_ms, CliptuneGroup **group, bool *lost) {
  return guarded(lost, [&] {
    *group = new CliptuneGroup{join(*store, rank, world, interfaces, milliseconds(timeout_ms))};
  });
}

char *cliptune_group_sum(CliptuneGroup *group, at::Tensor *tensor, bool *lost) {
  return guarded(lost, [&] {
    if (tensor->numel() == 0) return;
    at::NoGradGuard no_grad;
    at::Tensor host = on_host(*tensor);
    group->members->sum(host)->land();
    write_back(host, *tensor);
  });
}

char *cliptune_group_gather(CliptuneGroup *group, const at::Tensor *tensor, at::Tensor **tensors, bool *lost) {
  return guarded(lost, [&] {
    at::NoGradGuard no_grad;
    at::Tensor host = on_host(*tensor);
    std::vector<at::Tensor> gathered(group->members->world());
    for (at::Tensor &part : gathered) part = at::empty_like(host);
    if (host.numel() != 0) group->members->gather(host, gathered)->land();
    for (at::Tensor &part : gathered) part = part.to(tensor->device());
    for (at::Tensor &part : gathered) *tensors++ = new at::Tensor(std::move(part));
  });
}

char *cliptune_group_broadcast(CliptuneGroup *group, at::Tensor *tensor, size_t root, bool *lost) {
  return guarded(lost, [&] {
    if (tensor->numel() == 0) return;
    at::NoGradGuard no_grad;
    at::Tensor host = on_host(*tensor);
    group->members->broadcast(host, root)->land();
    write_back(host, *tensor);
  });
}

char *cliptune_group_barrier(CliptuneGroup *group, bool *lost) {
  return guarded(lost, [&] { group->members->barrier()->land(); });
}

void cliptune_group_leave(CliptuneGroup *group) {
  std::free(guarded([&] { group->members->leave(); }));
}

void cliptune_group_free(CliptuneGroup *group) { delete group; }
