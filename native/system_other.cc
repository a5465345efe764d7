// Systems of which nothing more is known than the socket calls.
#include "system.h"

namespace bindport {

int UnreadBytes(Descriptor) { return UV_ENOTSUP; }

int UnsentBytes(Descriptor) { return UV_ENOTSUP; }

int InspectSocketOf(uint32_t, Descriptor, uint64_t, const OptionReads&, SocketInspection*) {
  return UV_ENOTSUP;
}

int SocketDiag(const uint8_t*, size_t, size_t, std::vector<uint8_t>*) { return UV_ENOTSUP; }

int HeldSockets(uint32_t, const uint32_t*, size_t, size_t, bool, std::vector<HeldSocket>*) {
  return UV_ENOTSUP;
}

int ListSockets(int64_t, std::vector<SystemSocket>*) { return UV_ENOTSUP; }

int DescribeProcess(uint32_t, SystemProcess*) { return UV_ENOTSUP; }

}  // namespace bindport
