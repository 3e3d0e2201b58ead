// NCCL, from one GPU to another, beside Gloo for what lies in the memory of the hosts.
//
// c10d's header for it includes those of CUDA and of NCCL, which a build for CPUs has not, and libtorch's CUDA half is loaded
// at run time, where there is one. So its two constructors are looked up by their names. All else is called through the
// virtual table of c10d::Backend, the only base of c10d's group.
#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <new>
#include <optional>
#include <thread>

#include "collectives.h"

// The constructors of c10d::ProcessGroupNCCL and its options.
class NcclOfLibtorch {
 public:
  // Nothing, unless libtorch's CUDA half is loaded and was built with NCCL.
  static std::optional<NcclOfLibtorch> find() {
    void *options = dlsym(RTLD_DEFAULT, "_ZN4c10d16ProcessGroupNCCL7OptionsC1Eb");
    void *group = dlsym(RTLD_DEFAULT,
                        "_ZN4c10d16ProcessGroupNCCLC1EN3c1013intrusive_ptrINS_5StoreENS1_6detail34intrusive_target_"
                        "default_null_typeIS3_EEEEiiNS2_INS0_7OptionsENS5_IS8_EEEE");
    if (options == nullptr || group == nullptr) return std::nullopt;
    return NcclOfLibtorch(options, group);
  }

  // Throws where there is no GPU.
  c10::intrusive_ptr<c10d::Backend> group(c10::intrusive_ptr<c10d::Store> store, const Place &place) const {
    auto options = made<c10d::Backend::Options>([&](void *self) { make_options_(self, /*is_high_priority_stream=*/false); });
    options->timeout = place.timeout;
    return made<c10d::Backend>(
        [&](void *self) { make_group_(self, std::move(store), place.rank, place.world, std::move(options)); });
  }

 private:
  // The types of its own arguments are not declared here; a pointer to a base is passed in the same way.
  using MakeOptions = void (*)(void *self, bool is_high_priority_stream);
  using MakeGroup = void (*)(void *self, c10::intrusive_ptr<c10d::Store>, int rank, int world,
                             c10::intrusive_ptr<c10d::Backend::Options>);

  NcclOfLibtorch(void *options, void *group)
      : make_options_(reinterpret_cast<MakeOptions>(options)), make_group_(reinterpret_cast<MakeGroup>(group)) {}

  // Makes an object whose size is not known, in more room than it needs: in libtorch 2.11 the larger one has 1,112 bytes.
  template <typename T, typename F>
  static c10::intrusive_ptr<T> made(F &&constructor) {
    constexpr size_t room = size_t{1} << 16;
    void *place = ::operator new(room);
    try {
      constructor(place);
    } catch (...) {
      ::operator delete(place);
      throw;
    }
    return c10::intrusive_ptr<T>::unsafe_steal_from_new(static_cast<T *>(place));
  }

  MakeOptions make_options_;
  MakeGroup make_group_;
};

class NcclFlight : public Flight {
 public:
  NcclFlight(c10::intrusive_ptr<c10d::Work> work, Over is_over, std::chrono::milliseconds timeout)
      : work_(std::move(work)), is_over_(std::move(is_over)), timeout_(timeout) {}

  // It would be enough for the GPU to wait. This process waits as well: so it learns here, and not in whatever it asks the
  // GPU for next, that another one is gone.
  void land() override {
    try {
      await_end();
      // What another thread has aborted is complete, and no failure to c10d.
      check_open(is_over_);
      // Throws what has gone wrong. Otherwise, whatever this thread asks the GPU for next comes after the operation.
      work_->wait();
    } catch (const std::exception &error) {
      is_over_->store(true);
      free_gpu();
      throw Lost(error.what());
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::microseconds kLook{20};

  void await_end() {
    const Clock::time_point latest = Clock::now() + timeout_;
    while (!work_->isCompleted()) {
      check_open(is_over_);
      if (Clock::now() > latest) throw std::runtime_error("the other processes have not gone on in time");
      std::this_thread::sleep_for(kLook);
    }
  }

  // Otherwise, the GPU goes on with an operation that never ends, and does nothing else.
  void free_gpu() noexcept {
    try {
      work_->abort();
    } catch (...) {
      // Why it has failed in the first place is known.
    }
  }

  c10::intrusive_ptr<c10d::Work> work_;
  Over is_over_;
  std::chrono::milliseconds timeout_;
};

class Nccl : public Collectives {
 public:
  using Collectives::Collectives;
  ~Nccl() override {
    let_go();
    if (backend() != nullptr) end();
  }

  bool carries(const at::Device &device) const override { return device.is_cuda(); }

 private:
  std::unique_ptr<Flight> flight(c10::intrusive_ptr<c10d::Work> work) override {
    return std::make_unique<NcclFlight>(std::move(work), is_over(), timeout());
  }

  void close() override { backend()->abort(); }

  // To shut down, the members on one host wait for each other. After a failure, not all of them come to that.
  void end() noexcept {
    try {
      if (is_over()->load()) {
        backend()->abort();
      } else {
        backend()->shutdown();
      }
    } catch (...) {
      forget();
    }
  }
};

// Both: each tensor goes by what carries it from where it lies.
class GlooAndNccl : public Group {
 public:
  GlooAndNccl(std::shared_ptr<Group> gloo, std::shared_ptr<Group> nccl) : nccl_(std::move(nccl)), gloo_(std::move(gloo)) {}

  std::unique_ptr<Flight> sum(at::Tensor tensor) override { return by(tensor).sum(tensor); }

  std::unique_ptr<Flight> gather(at::Tensor tensor, std::vector<at::Tensor> tensors) override {
    return by(tensor).gather(tensor, std::move(tensors));
  }

  std::unique_ptr<Flight> broadcast(at::Tensor tensor, size_t root) override {
    return by(tensor).broadcast(tensor, root);
  }

  std::unique_ptr<Flight> barrier() override { return gloo_->barrier(); }
  size_t world() const override { return gloo_->world(); }
  bool carries(const at::Device &device) const override { return gloo_->carries(device) || nccl_->carries(device); }

  void leave() override {
    gloo_->leave();
    nccl_->leave();
  }

 private:
  Group &by(const at::Tensor &tensor) { return nccl_->carries(tensor.device()) ? *nccl_ : *gloo_; }

  // Gloo goes first, so that whoever waits for this member fails instead of having it wait for them while NCCL shuts down.
  std::shared_ptr<Group> nccl_, gloo_;
};

// c10d would end the process by itself when it sees that another one is gone or that the GPU fails, and say less than this
// project's lookout.
inline void keep_c10d_from_ending_processes() {
  constexpr int whatever_is_set = 1, unless_it_is_set = 0;
  // torchrun sets this one, so that it says nothing of what a person wants.
  setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", whatever_is_set);
  setenv("TORCH_NCCL_ENABLE_MONITORING", "0", unless_it_is_set);
  setenv("TORCH_NCCL_RETHROW_CUDA_ERRORS", "0", unless_it_is_set);
}

inline std::shared_ptr<Group> join_by_nccl(std::shared_ptr<Group> gloo, const c10::intrusive_ptr<c10d::Store> &store,
                                           const Place &place) {
  std::optional<NcclOfLibtorch> nccl = NcclOfLibtorch::find();
  if (!nccl) throw std::runtime_error("this libtorch has no NCCL");
  keep_c10d_from_ending_processes();
  auto joined = std::make_shared<Nccl>(nccl->group(keys_of("nccl", *store), place), store, place);
  return std::make_shared<GlooAndNccl>(std::move(gloo), std::move(joined));
}
