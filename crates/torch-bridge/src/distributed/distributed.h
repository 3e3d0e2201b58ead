// What Rust calls for training on several processes. As in bridge.h, every function returns null, or a message that the
// caller frees with cliptune_free_message. *lost says whether an error is that of the others or of the way to them.
#pragma once
#include <cstddef>
#include <cstdint>

namespace at {
class Tensor;
}

extern "C" {
struct CliptuneStore;
struct CliptuneGroup;
struct CliptuneBuckets;

struct CliptuneMeeting {
  const char *host;
  uint16_t port;  // 0 lets the store that is hosted choose.
  bool hosts_store;
  size_t world;
  const char *prefix;  // of all keys
  int64_t timeout_ms;
};

char *cliptune_store_meet(const CliptuneMeeting *meeting, CliptuneStore **store);

// A store for threads of this process.
char *cliptune_store_within_process(int64_t timeout_ms, CliptuneStore **store);
uint16_t cliptune_store_port(const CliptuneStore *store);
char *cliptune_store_set(CliptuneStore *store, const char *key, const uint8_t *value, size_t length);

// *value is null where the key is not there within the time. Otherwise the caller frees it with cliptune_free_value.
char *cliptune_store_get(CliptuneStore *store, const char *key, int64_t timeout_ms, uint8_t **value, size_t *length);
char *cliptune_store_add(CliptuneStore *store, const char *key, int64_t amount, int64_t *sum);
void cliptune_store_free(CliptuneStore *store);
void cliptune_free_value(uint8_t *value);

// Whether libtorch's CUDA half is loaded and has c10d's part for NCCL.
bool cliptune_has_nccl();

// interfaces: names with commas between them, or null.
char *cliptune_group_join(const CliptuneStore *store, size_t rank, size_t world, const char *interfaces, bool with_nccl,
                          int64_t timeout_ms, CliptuneGroup **group, bool *lost);
char *cliptune_group_sum(CliptuneGroup *group, at::Tensor *tensor, bool *lost);

// tensors: room for as many new handles as the group has members.
char *cliptune_group_gather(CliptuneGroup *group, const at::Tensor *tensor, at::Tensor **tensors, bool *lost);
char *cliptune_group_broadcast(CliptuneGroup *group, at::Tensor *tensor, size_t root, bool *lost);
char *cliptune_group_barrier(CliptuneGroup *group, bool *lost);
void cliptune_group_leave(CliptuneGroup *group);
void cliptune_group_free(CliptuneGroup *group);

char *cliptune_buckets_new(CliptuneGroup *group, const at::Tensor *const *weights, size_t n, size_t bytes,
                           CliptuneBuckets **buckets);
void cliptune_buckets_arm(CliptuneBuckets *buckets, bool armed);
char *cliptune_buckets_finish(CliptuneBuckets *buckets, size_t *bytes, bool *lost);
void cliptune_buckets_free(CliptuneBuckets *buckets);
}
