// What ProcessGroupGloo.hpp names of this header of Gloo; see README.md.
#pragma once

namespace gloo::transport {
class Device;
}  // namespace gloo::transport
