#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "socket.h"

#ifdef SO_GET_FILTER
#include <linux/filter.h>
#endif

namespace bindport {

namespace {

int Result(int result) { return result == -1 ? -errno : result; }

// TypeScript admits only descriptors of 0 to 2^31 - 1.
int Fd(Descriptor descriptor) { return static_cast<int>(descriptor); }

#ifndef SOCK_CLOEXEC
// Sets close-on-exec on the descriptor that a call has just returned, for systems (macOS) whose
// calls can't set it themselves. -1, a failure of that call, becomes its error.
Descriptor CloseOnExec(int fd) {
  if (fd == -1 || fcntl(fd, F_SETFD, FD_CLOEXEC) != -1) return Result(fd);
  const int error = -errno;
  close(fd);
  return error;
}
#endif

#ifndef SO_PROTOCOL
// macOS has no SO_PROTOCOL; these are what socket(2) chose for protocol 0.
int DefaultProtocol(int family, int type) {
  if (family != AF_INET && family != AF_INET6) return 0;
  if (type == SOCK_STREAM) return IPPROTO_TCP;
  return type == SOCK_DGRAM ? IPPROTO_UDP : 0;
}
#endif

int GetInt(Descriptor descriptor, int name, int* value) {
  size_t length = sizeof(*value);
  return GetOption(descriptor, SOL_SOCKET, name, value, &length);
}

}  // namespace

const size_t kTimeoutSize = sizeof(timeval);
const size_t kLingerSize = sizeof(linger);

int Startup() { return 0; }

Descriptor OpenSocket(int family, int type, int protocol) {
#ifdef SOCK_CLOEXEC
  return Result(socket(family, type | SOCK_CLOEXEC, protocol));
#else
  return CloseOnExec(socket(family, type, protocol));
#endif
}

int CloseSocket(Descriptor descriptor) {
  const int error = Result(close(Fd(descriptor)));
  // After EINTR the descriptor is closed nevertheless, on every system that we compile for. Closing
  // it again could close another thread's (close(2), "Dealing with error returns from close()").
  return error == UV_EINTR ? 0 : error;
}

int BindSocket(Descriptor descriptor, const SocketAddress& address) {
  return Result(
      bind(Fd(descriptor), reinterpret_cast<const sockaddr*>(&address.storage), address.length));
}

int ListenSocket(Descriptor descriptor, int backlog) {
  return Result(listen(Fd(descriptor), backlog));
}

int ConnectSocket(Descriptor descriptor, const SocketAddress& address) {
  return Result(
      connect(Fd(descriptor), reinterpret_cast<const sockaddr*>(&address.storage), address.length));
}

Descriptor AcceptSocket(Descriptor descriptor) {
#ifdef SOCK_CLOEXEC
  return Result(accept4(Fd(descriptor), nullptr, nullptr, SOCK_CLOEXEC));
#else
  return CloseOnExec(accept(Fd(descriptor), nullptr, nullptr));
#endif
}

Descriptor DuplicateSocket(Descriptor descriptor, int lowest) {
  return Result(fcntl(Fd(descriptor), F_DUPFD_CLOEXEC, lowest));
}

int ReplaceSocket(Descriptor from, Descriptor to) {
  const int flags = fcntl(Fd(to), F_GETFL);
  if (flags == -1 || fcntl(Fd(from), F_SETFL, flags) == -1) return -errno;
#ifdef SOCK_CLOEXEC
  return dup3(Fd(from), Fd(to), O_CLOEXEC) == -1 ? -errno : 0;
#else
  if (dup2(Fd(from), Fd(to)) == -1) return -errno;
  return Result(fcntl(Fd(to), F_SETFD, FD_CLOEXEC));
#endif
}

int ExportSocket(Descriptor, uint32_t, std::vector<uint8_t>*) { return UV_ENOTSUP; }

Descriptor ImportSocket(const uint8_t*, size_t) { return UV_ENOTSUP; }

std::vector<Descriptor> LoopSockets(napi_env, bool) { return {}; }

int LocalAddress(Descriptor descriptor, SocketAddress* address, socklen_t room) {
  *address = {};
  address->length = room;
  return Result(getsockname(Fd(descriptor), reinterpret_cast<sockaddr*>(&address->storage),
                            &address->length));
}

int PeerAddress(Descriptor descriptor, SocketAddress* address) {
  *address = {};
  address->length = sizeof(address->storage);
  return Result(getpeername(Fd(descriptor), reinterpret_cast<sockaddr*>(&address->storage),
                            &address->length));
}

int DescribeSocket(Descriptor descriptor, SocketKind* kind) {
  int error = GetInt(descriptor, SO_TYPE, &kind->type);
  if (error != 0) return error;
#ifdef SO_DOMAIN
  error = GetInt(descriptor, SO_DOMAIN, &kind->family);
#else
  SocketAddress address;
  error = LocalAddress(descriptor, &address);
  kind->family = address.storage.ss_family;
#endif
  if (error != 0) return error;
#ifdef SO_PROTOCOL
  return GetInt(descriptor, SO_PROTOCOL, &kind->protocol);
#else
  kind->protocol = DefaultProtocol(kind->family, kind->type);
  return 0;
#endif
}

int GetOption(Descriptor descriptor, int level, int name, void* value, size_t* length) {
  size_t unit = 1;
#ifdef SO_GET_FILTER
  // The one option whose length counts instructions, not bytes (net/core/filter.c, sk_get_filter):
  // passing bytes would let the kernel write past the end of `value`.
  if (level == SOL_SOCKET && name == SO_GET_FILTER) unit = sizeof(sock_filter);
#endif
  const socklen_t capacity = static_cast<socklen_t>(*length / unit);
  socklen_t written = capacity;
  if (getsockopt(Fd(descriptor), level, name, value, &written) == -1) return -errno;
  // Some options report the length that they would have needed, more than what was written.
  *length = (written < capacity ? written : capacity) * unit;
  return 0;
}

int SetOption(Descriptor descriptor, int level, int name, const void* value, size_t length) {
#ifdef SO_ATTACH_REUSEPORT_CBPF
  // These take a pointer to the program, which JavaScript can't give: here `value` is the program.
  if (level == SOL_SOCKET && (name == SO_ATTACH_FILTER || name == SO_ATTACH_REUSEPORT_CBPF)) {
    if (length % sizeof(sock_filter) != 0 || length / sizeof(sock_filter) > BPF_MAXINSNS) {
      return UV_EINVAL;
    }
    sock_fprog program;
    program.len = static_cast<unsigned short>(length / sizeof(sock_filter));
    program.filter = static_cast<sock_filter*>(const_cast<void*>(value));
    return Result(setsockopt(Fd(descriptor), level, name, &program, sizeof(program)));
  }
#endif
  return Result(setsockopt(Fd(descriptor), level, name, value, static_cast<socklen_t>(length)));
}

int ParsePath(const std::string& path, SocketAddress* address) {
  sockaddr_un* unix_address = reinterpret_cast<sockaddr_un*>(&address->storage);
  const bool abstract = !path.empty() && path[0] == '\0';
  // A pathname needs its final NUL (POSIX), an abstract name is counted (unix(7)).
  const size_t terminator = abstract || path.empty() ? 0 : 1;
  if (path.size() + terminator > sizeof(unix_address->sun_path)) return UV_ENAMETOOLONG;
  *address = {};
  unix_address->sun_family = AF_UNIX;
  memcpy(unix_address->sun_path, path.data(), path.size());
  address->length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + terminator);
  return 0;
}

std::string FormatPath(const SocketAddress& address) {
  const size_t offset = offsetof(sockaddr_un, sun_path);
  if (address.length <= offset) return std::string();
  const sockaddr_un* unix_address = reinterpret_cast<const sockaddr_un*>(&address.storage);
  const std::string path(unix_address->sun_path, address.length - offset);
#ifndef __linux__
  // BSD systems pad the unnamed socket's address with NULs, which are an abstract name on Linux.
  if (path.find_first_not_of('\0') == std::string::npos) return std::string();
#endif
  return path[0] == '\0' ? path : path.substr(0, path.find('\0'));
}

uint32_t ParseZone(const char* zone) {
  const uint32_t index = if_nametoindex(zone);
  if (index != 0 || *zone < '0' || *zone > '9') return index;
  // A number, as getaddrinfo(3) takes it. Not one without an interface: bind(2) may ignore the
  // zone.
  char* end;
  const unsigned long long number = strtoull(zone, &end, 10);
  char name[IF_NAMESIZE];
  const bool known = *end == '\0' && number <= UINT32_MAX &&
                     if_indextoname(static_cast<uint32_t>(number), name) != nullptr;
  return known ? static_cast<uint32_t>(number) : 0;
}

std::string FormatZone(uint32_t index) {
  char name[IF_NAMESIZE];
  return if_indextoname(index, name) == nullptr ? std::to_string(index) : std::string(name);
}

}  // namespace bindport
