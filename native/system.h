// The second platform interface: what systems tell about sockets beyond the socket calls, most of
// it about other processes. Implemented by one system_*.cc, which binding.gyp chooses. What a
// system lacks is UV_ENOTSUP.
#ifndef BINDPORT_SYSTEM_H_
#define BINDPORT_SYSTEM_H_

#include <string>
#include <vector>

#include "address.h"
#include "inspection.h"
#include "socket.h"

namespace bindport {

// Bytes that wait in a socket: received and not read, sent and not acknowledged (a datagram: not
// gone). The first of a UDP socket is the next datagram's length where the system has no sum.
int UnreadBytes(Descriptor descriptor);
int UnsentBytes(Descriptor descriptor);

// Inspects the socket that `process` has as its `descriptor`. `process` may also be the id of one
// of its threads. Where `cookie` is not 0 and not the socket's SO_COOKIE the error is ESTALE, and
// nothing is read. UV_EPERM without the right, UV_ESRCH without the process, UV_EBADF without the
// descriptor.
int InspectSocketOf(uint32_t process, Descriptor descriptor, uint64_t cookie,
                    const OptionReads& reads, SocketInspection* inspection);

// Linux: sends each message of `requests` to NETLINK_SOCK_DIAG and appends to `replies` all that
// comes back, each time to the end of the dump or to the error. UV_EMSGSIZE for requests that are
// no netlink messages, UV_ENOBUFS where the replies would take more than `limit` bytes.
int SocketDiag(const uint8_t* requests, size_t length, size_t limit, std::vector<uint8_t>* replies);

struct HeldSocket {
  uint32_t inode;
  Descriptor descriptor;
};

// Linux: the sockets among the descriptors of a process, or of a thread by its id: those with one
// of the `count` ascending inode numbers, or all for a count of 0. Looks at `most` descriptors, the
// lowest first; with `first` it ends as soon as each of the numbers has come. EACCES also where
// only some of what it takes to see them is allowed.
int HeldSockets(uint32_t process, const uint32_t* inodes, size_t count, size_t most, bool first,
                std::vector<HeldSocket>* held);

// A socket of the system, as the systems list them that have no sock_diag. One that several
// processes or descriptors share comes several times, with the same id.
struct SystemSocket {
  int family = 0;
  int type = 0;
  int protocol = 0;
  // As sockets' states are called in socket-info.ts; null where the system does not tell.
  const char* state = nullptr;
  Endpoint local = {};
  // Its family is 0 where there is none.
  Endpoint remote = {};
  // -1 wherever the system does not tell.
  int64_t process = -1;
  int64_t descriptor = -1;
  int64_t user = -1;
  // A listener's connections that wait for accept(), and how many may.
  int64_t queue = -1;
  int64_t backlog = -1;
  int64_t unread = -1;
  int64_t unsent = -1;
  // The kernel's name of the socket; 0 where it tells none.
  uint64_t id = 0;
};

// Which sockets to list: all of them, or of one process. -1: of every process.
int ListSockets(int64_t process, std::vector<SystemSocket>* sockets);

// What the system does not tell is empty, or -1.
struct SystemProcess {
  // The program's short name.
  std::string name;
  // The command line, or the program's path where the command line can't be read.
  std::vector<std::string> command;
  // The name of the user.
  std::string user;
  // Milliseconds since 1970.
  double started = -1;
};

int DescribeProcess(uint32_t process, SystemProcess* description);

}  // namespace bindport

#endif  // BINDPORT_SYSTEM_H_
