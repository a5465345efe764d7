#include "inspection.h"

#include <cstring>

#include "system.h"

namespace bindport {

namespace {

size_t Aligned(int32_t length) { return (static_cast<size_t>(length) + 7) & ~size_t{7}; }

}  // namespace

int64_t ValuesSize(const OptionRead* options, size_t count) {
  int64_t size = 0;
  for (size_t i = 0; i < count; i++) {
    if (options[i].length < 0) return UV_EINVAL;
    size += static_cast<int64_t>(Aligned(options[i].length));
    if (size > INT32_MAX) return UV_EINVAL;
  }
  return size;
}

void ReadOptions(Descriptor descriptor, const OptionReads& reads) {
  uint8_t* value = reads.values;
  for (size_t i = 0; i < reads.count; i++) {
    const OptionRead& option = reads.options[i];
    size_t length = static_cast<size_t>(option.length);
    // Zeroed because Windows writes one byte for some booleans.
    memset(value, 0, length);
    const int error = GetOption(descriptor, option.level, option.name, value, &length);
    reads.results[i] = error != 0 ? error : static_cast<int32_t>(length);
    value += Aligned(option.length);
  }
}

int InspectSocket(Descriptor descriptor, const OptionReads& reads, SocketInspection* inspection) {
  const int error = DescribeSocket(descriptor, &inspection->kind);
  if (error != 0) return error;
  inspection->local_error = LocalAddress(descriptor, &inspection->local);
  inspection->remote_error = PeerAddress(descriptor, &inspection->remote);
  inspection->unread = UnreadBytes(descriptor);
  inspection->unsent = UnsentBytes(descriptor);
  ReadOptions(descriptor, reads);
  return 0;
}

}  // namespace bindport
