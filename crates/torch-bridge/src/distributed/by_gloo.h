// Gloo, from the memory of one host to that of another. What is on a GPU goes through a copy there.
#pragma once

#define USE_C10D_GLOO 1

#include <sstream>
#include <string>

#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "collectives.h"

class GlooFlight : public Flight {
 public:
  GlooFlight(c10::intrusive_ptr<c10d::Work> work, Over is_over) : work_(std::move(work)), is_over_(std::move(is_over)) {}

  void land() override {
    try {
      while (!has_landed()) check_open(is_over_);
    } catch (const std::exception &error) {
      is_over_->store(true);
      throw Lost(error.what());
    }
  }

 private:
  // The time between two looks at whether a group was left. c10d throws each time, so that it is not short.
  static constexpr std::chrono::milliseconds kLook{2000};

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
  Over is_over_;
};

class Gloo : public Collectives {
 public:
  using Collectives::Collectives;
  ~Gloo() override { let_go(); }

  bool carries(const at::Device &device) const override { return device.is_cpu(); }

 private:
  // The connections are in a field of the class that it has no call to close. No object of this type is made.
  struct Connections : c10d::ProcessGroupGloo {
    static void close(c10d::ProcessGroupGloo &group) {
      for (const auto &context : group.*(&Connections::contexts_)) context->closeConnections();
    }
  };

  std::unique_ptr<Flight> flight(c10::intrusive_ptr<c10d::Work> work) override {
    return std::make_unique<GlooFlight>(std::move(work), is_over());
  }

  void close() override { Connections::close(static_cast<c10d::ProcessGroupGloo &>(*backend())); }
};

using GlooOptions = c10::intrusive_ptr<c10d::ProcessGroupGloo::Options>;

// `interfaces`: names with commas between them, or nothing. Throws where there is no such network.
inline GlooOptions gloo_options(const std::string &interfaces, std::chrono::milliseconds timeout) {
  using c10d::ProcessGroupGloo;
  auto options = ProcessGroupGloo::Options::create(timeout);
  std::istringstream names(interfaces);
  for (std::string name; std::getline(names, name, ',');) {
    options->devices.push_back(ProcessGroupGloo::createDeviceForInterface(name));
  }
  if (options->devices.empty()) options->devices.push_back(ProcessGroupGloo::createDefaultDevice());
  options->threads = static_cast<int>(options->devices.size()) * 2;
  return options;
}

// Waits for all others.
inline std::shared_ptr<Group> join_by_gloo(const c10::intrusive_ptr<c10d::Store> &store, const Place &place,
                                           GlooOptions options) {
  try {
    auto connected = c10::make_intrusive<c10d::ProcessGroupGloo>(keys_of("gloo", *store), place.rank, place.world,
                                                                 std::move(options));
    auto group = std::make_shared<Gloo>(std::move(connected), store, place);
    // Until here only this member is connected to all others.
    group->barrier()->land();
    return group;
  } catch (const std::exception &error) {
    throw Lost(error.what());
  }
}
