// Reads all there is to read of a socket at once.
#ifndef BINDPORT_INSPECTION_H_
#define BINDPORT_INSPECTION_H_

#include <cstring>

#include "socket.h"

namespace bindport {

struct OptionRead {
  int32_t level;
  int32_t name;
  int32_t length;
};

// Options to read into the caller's memory. The i-th value starts where the ones before it end,
// each rounded up to a multiple of 8 bytes; results[i] is the number of bytes written there, or a
// negative libuv error number.
struct OptionReads {
  const OptionRead* options;
  int32_t* results;
  size_t count;
  uint8_t* values;
};

// The bytes that the values take, or UV_EINVAL for a length that is negative or a sum above 2^31.
int64_t ValuesSize(const OptionRead* options, size_t count);

constexpr size_t AlignedLength(int32_t length) {
  return (static_cast<size_t>(length) + 7) & ~size_t{7};
}

// Fills in each result with what `read` returns for the option and the place of its value, which
// is all zeros before.
template <typename Read>
void ForEachValue(const OptionReads& reads, const Read& read) {
  uint8_t* place = reads.values;
  for (size_t i = 0; i < reads.count; i++) {
    const OptionRead& option = reads.options[i];
    memset(place, 0, static_cast<size_t>(option.length));
    reads.results[i] = read(option, place);
    place += AlignedLength(option.length);
  }
}

void ReadOptions(Descriptor descriptor, const OptionReads& reads);

// Addresses that the socket has not are negative libuv error numbers, and so are the queues.
struct SocketInspection {
  SocketKind kind;
  SocketAddress local;
  int local_error;
  SocketAddress remote;
  int remote_error;
  int64_t unread;
  int64_t unsent;
};

// Returns 0, or the error of a descriptor that is no socket.
int InspectSocket(Descriptor descriptor, const OptionReads& reads, SocketInspection* inspection);

}  // namespace bindport

#endif  // BINDPORT_INSPECTION_H_
