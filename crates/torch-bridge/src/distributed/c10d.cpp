// The key-value store and the process group, by torch.distributed's C++ library. No other object file needs its headers,
// which take long to compile.
#include "distributed.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "by_gloo.h"
#include "by_nccl.h"

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

std::shared_ptr<Group> join(const CliptuneStore &store, const Place &place, const std::string &interfaces, bool with_nccl) {
  // To form the group takes as long as to meet, at most.
  std::shared_ptr<Group> gloo = join_by_gloo(store.keys, place, gloo_options(interfaces, store.keys->getTimeout()));
  return with_nccl ? join_by_nccl(std::move(gloo), store.keys, place) : gloo;
}

void write_back(const at::Tensor &sent, const at::Tensor &tensor) {
  if (!sent.is_alias_of(tensor)) tensor.detach().copy_(sent);
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

bool cliptune_has_nccl() { return NcclOfLibtorch::find().has_value(); }

char *cliptune_group_join(const CliptuneStore *store, size_t rank, size_t world, const char *interfaces, bool with_nccl,
                          int64_t timeout_ms, CliptuneGroup **group, bool *lost) {
  return guarded(lost, [&] {
    Place place{static_cast<int>(rank), static_cast<int>(world), milliseconds(timeout_ms)};
    *group = new CliptuneGroup{join(*store, place, interfaces == nullptr ? "" : interfaces, with_nccl)};
  });
}

char *cliptune_group_sum(CliptuneGroup *group, at::Tensor *tensor, bool *lost) {
  return guarded(lost, [&] {
    if (tensor->numel() == 0) return;
    at::NoGradGuard no_grad;
    at::Tensor sent = group->members->to_send(*tensor);
    group->members->sum(sent)->land();
    write_back(sent, *tensor);
  });
}

char *cliptune_group_gather(CliptuneGroup *group, const at::Tensor *tensor, at::Tensor **tensors, bool *lost) {
  return guarded(lost, [&] {
    at::NoGradGuard no_grad;
    at::Tensor sent = group->members->to_send(*tensor);
    std::vector<at::Tensor> gathered(group->members->world());
    for (at::Tensor &part : gathered) part = at::empty_like(sent);
    if (sent.numel() != 0) group->members->gather(sent, gathered)->land();
    for (at::Tensor &part : gathered) part = part.to(tensor->device());
    for (at::Tensor &part : gathered) *tensors++ = new at::Tensor(std::move(part));
  });
}

char *cliptune_group_broadcast(CliptuneGroup *group, at::Tensor *tensor, size_t root, bool *lost) {
  return guarded(lost, [&] {
    if (tensor->numel() == 0) return;
    at::NoGradGuard no_grad;
    at::Tensor sent = group->members->to_send(*tensor);
    group->members->broadcast(sent, root)->land();
    write_back(sent, *tensor);
  });
}

char *cliptune_group_barrier(CliptuneGroup *group, bool *lost) {
  return guarded(lost, [&] { group->members->barrier()->land(); });
}

void cliptune_group_leave(CliptuneGroup *group) {
  std::free(guarded([&] { group->members->leave(); }));
}

void cliptune_group_free(CliptuneGroup *group) { delete group; }
