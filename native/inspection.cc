#include "inspection.h"

#include "system.h"

namespace bindport {

int64_t ValuesSize(const OptionRead* options, size_t count) {
  int64_t size = 0;
  for (size_t i = 0; i < count; i++) {
    if (options[i].length < 0) return UV_EINVAL;
    size += static_cast<int64_t>(AlignedLength(options[i].length));
    if (size > INT32_MAX) return UV_EINVAL;
  }
  return size;
}

void ReadOptions(Descriptor descriptor, const OptionReads& reads) {
  // The zeros matter here: Windows writes one byte for some booleans.
  ForEachValue(reads, [descriptor](const OptionRead& option, uint8_t* place) {
    size_t length = static_cast<size_t>(option.length);
    const int error = GetOption(descriptor, option.level, option.name, place, &length);
    return error != 0 ? error : static_cast<int32_t>(length);
  });
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
