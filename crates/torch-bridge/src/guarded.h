// What every function of the bridge is wrapped in.
#pragma once

#include <cstring>
#include <exception>

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
