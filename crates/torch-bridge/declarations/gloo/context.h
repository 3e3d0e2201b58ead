// What ProcessGroupGloo.hpp names of this header of Gloo; see README.md.
#pragma once

#include <chrono>

namespace gloo {

namespace transport {
class UnboundBuffer;
}  // namespace transport

// Complete for the sake of two functions. Its data and its constructor are not declared: no object is made here.
class Context {
 public:
  Context() = delete;
  void closeConnections();
  void setTimeout(std::chrono::milliseconds timeout);
};

}  // namespace gloo
