// FreeBSD: sysctl(3), kern.proc. Neither compiled nor run there: written after libprocstat and
// sys/user.h. The kernel's lists of PCBs, which know the states of TCP, need headers of the kernel.
// clang-format off
#include <sys/types.h>
#include <sys/sysctl.h>
// clang-format on
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/filio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/user.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "system.h"

namespace bindport {

namespace {

// The answer to a sysctl; asked for again while it grows. 0 or a negative error number.
int ReadSysctl(int* name, unsigned length, std::vector<uint8_t>* bytes) {
  for (;;) {
    size_t size = 0;
    if (sysctl(name, length, nullptr, &size, nullptr, 0) != 0) return -errno;
    bytes->resize(size + size / 3);
    if (bytes->empty()) return 0;
    size = bytes->size();
    if (sysctl(name, length, bytes->data(), &size, nullptr, 0) == 0) {
      bytes->resize(size);
      return 0;
    }
    if (errno != ENOMEM) return -errno;
  }
}

SocketAddress Address(const sockaddr_storage& from) {
  SocketAddress address = {};
  address.storage = from;
  address.length = AddressSize(from.ss_family);
  if (from.ss_family == AF_UNIX) {
    const sockaddr_un* path = reinterpret_cast<const sockaddr_un*>(&from);
    address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                            strnlen(path->sun_path, sizeof(path->sun_path)));
  }
  return address;
}

void AddSocket(int process, const kinfo_file& file, std::vector<SystemSocket>* sockets) {
  const auto& from = file.kf_un.kf_sock;
  SystemSocket socket;
  socket.family = from.kf_sock_domain0;
  socket.type = from.kf_sock_type0;
  socket.protocol = from.kf_sock_protocol0;
  const bool is_unix = socket.family == AF_UNIX;
  if (!is_unix && socket.family != AF_INET && socket.family != AF_INET6) return;
  SocketAddress local = Address(from.kf_sa_local);
  SocketAddress remote = Address(from.kf_sa_peer);
  local.storage.ss_family = remote.storage.ss_family = static_cast<sa_family_t>(socket.family);
  const bool connected = is_unix ? from.kf_sock_unpconn != 0 : PortOf(remote) != 0;
  FormatEndpoint(local, &socket.local);
  if (connected) FormatEndpoint(remote, &socket.remote);
  // What TCP's state is, and whether a Unix socket listens, is not told here.
  if (is_unix && connected) socket.state = "ESTABLISHED";
  if (socket.protocol == IPPROTO_UDP) socket.state = connected ? "ESTABLISHED" : "UNCONNECTED";
  socket.process = process;
  socket.descriptor = file.kf_fd;
  socket.id = from.kf_sock_pcb;
  sockets->push_back(socket);
}

// 0, or the error of a process that may not be looked at or is not there.
int AddSockets(int process, std::vector<SystemSocket>* sockets) {
  int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_FILEDESC, process};
  std::vector<uint8_t> bytes;
  const int error = ReadSysctl(name, 4, &bytes);
  if (error != 0) return error;
  // The records are cut after their path: kf_structsize is the length of each.
  constexpr size_t kFixed = offsetof(kinfo_file, kf_path);
  for (size_t at = 0; at + kFixed <= bytes.size();) {
    kinfo_file file = {};
    memcpy(&file, bytes.data() + at, kFixed);
    if (file.kf_structsize <= 0) break;
    if (file.kf_type == KF_TYPE_SOCKET && file.kf_fd >= 0) AddSocket(process, file, sockets);
    at += static_cast<size_t>(file.kf_structsize);
  }
  return 0;
}

std::string UserName(uid_t user) {
  passwd entry;
  passwd* found = nullptr;
  char room[4096];
  if (getpwuid_r(user, &entry, room, sizeof(room), &found) != 0 || found == nullptr) return {};
  return found->pw_name;
}

// The arguments, with a NUL after each.
std::vector<std::string> CommandLine(int process) {
  int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_ARGS, process};
  std::vector<uint8_t> bytes;
  std::vector<std::string> arguments;
  if (ReadSysctl(name, 4, &bytes) != 0) return arguments;
  for (auto at = bytes.begin(); at != bytes.end();) {
    const auto end = std::find(at, bytes.end(), 0);
    arguments.emplace_back(at, end);
    at = end == bytes.end() ? end : end + 1;
  }
  return arguments;
}

int QueueSize(Descriptor descriptor, unsigned long request) {
  int bytes = 0;
  return ioctl(static_cast<int>(descriptor), request, &bytes) == -1 ? -errno : bytes;
}

}  // namespace

int UnreadBytes(Descriptor descriptor) { return QueueSize(descriptor, FIONREAD); }

int UnsentBytes(Descriptor descriptor) { return QueueSize(descriptor, FIONWRITE); }

int InspectSocketOf(uint32_t, Descriptor, uint64_t, const OptionReads&, SocketInspection*) {
  return UV_ENOTSUP;
}

int SocketDiag(const uint8_t*, size_t, size_t, std::vector<uint8_t>*) { return UV_ENOTSUP; }

int HeldSockets(uint32_t, const uint32_t*, size_t, size_t, bool, std::vector<HeldSocket>*) {
  return UV_ENOTSUP;
}

int ListSockets(int64_t process, std::vector<SystemSocket>* sockets) {
  if (process >= 0) return AddSockets(static_cast<int>(process), sockets);
  int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PROC};
  std::vector<uint8_t> bytes;
  const int error = ReadSysctl(name, 3, &bytes);
  if (error != 0) return error;
  for (size_t at = 0; at + sizeof(kinfo_proc) <= bytes.size(); at += sizeof(kinfo_proc)) {
    kinfo_proc each;
    memcpy(&each, bytes.data() + at, sizeof(each));
    // Another version of the kernel.
    if (each.ki_structsize != static_cast<int>(sizeof(each))) return UV_ENOTSUP;
    // Those of other users are EPERM, those that have ended ESRCH.
    AddSockets(each.ki_pid, sockets);
  }
  return 0;
}

int DescribeProcess(uint32_t process, SystemProcess* description) {
  const int number = static_cast<int>(process);
  int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, number};
  kinfo_proc info = {};
  size_t size = sizeof(info);
  if (sysctl(name, 4, &info, &size, nullptr, 0) != 0) return -errno;
  if (size < sizeof(info)) return UV_ESRCH;
  description->name = info.ki_comm;
  description->user = UserName(info.ki_uid);
  description->started = static_cast<double>(info.ki_start.tv_sec) * 1000 +
                         static_cast<double>(info.ki_start.tv_usec / 1000);
  description->command = CommandLine(number);
  return 0;
}

}  // namespace bindport
