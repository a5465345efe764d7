// Linux: netlink(7), sock_diag(7), pidfd_open(2), pidfd_getfd(2), proc_pid_fd(5), tcp(7) "Ioctls".
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "system.h"

// Headers older than Linux 5.3 and 5.6 lack them; the numbers are the same on every architecture
// but alpha (arch/*/kernel/syscalls/syscall.tbl).
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef PIDFD_THREAD
// include/uapi/linux/pidfd.h, Linux 6.9.
#define PIDFD_THREAD O_EXCL
#endif
#ifndef SO_COOKIE
// include/uapi/asm-generic/socket.h, Linux 4.12; the architectures that differ are none of Node's.
#define SO_COOKIE 57
#endif
#ifndef NETLINK_SOCK_DIAG
#define NETLINK_SOCK_DIAG 4
#endif

namespace bindport {

namespace {

// Closes what one call has opened for itself.
class ScopedDescriptor {
 public:
  explicit ScopedDescriptor(long descriptor) : descriptor_(static_cast<int>(descriptor)) {}
  ScopedDescriptor(const ScopedDescriptor&) = delete;
  ScopedDescriptor& operator=(const ScopedDescriptor&) = delete;
  ~ScopedDescriptor() {
    if (descriptor_ != -1) close(descriptor_);
  }

  bool open() const { return descriptor_ != -1; }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

int QueueSize(Descriptor descriptor, unsigned long request) {
  int bytes = 0;
  return ioctl(static_cast<int>(descriptor), request, &bytes) == -1 ? -errno : bytes;
}

int OpenProcess(uint32_t process) {
  const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
  // EINVAL before Linux 6.9, ENOENT since: there is such a thread, and it leads no process.
  if (descriptor != -1 || (errno != EINVAL && errno != ENOENT)) return descriptor;
  return static_cast<int>(syscall(SYS_pidfd_open, process, PIDFD_THREAD));
}

int CheckCookie(Descriptor descriptor, uint64_t expected) {
  uint64_t cookie = 0;
  size_t length = sizeof(cookie);
  const int error = GetOption(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &length);
  if (error != 0) return error;
  return cookie == expected ? 0 : -ESTALE;
}

// What one recv() may bring: the kernel makes a part of a dump at most 32 KiB long
// (net/netlink/af_netlink.c, netlink_recvmsg).
constexpr size_t kPart = 65536;

// struct linux_dirent64 of getdents64(2), which older C libraries do not declare: where an entry's
// length and name are, and room for some 300 descriptors.
constexpr size_t kEntryLength = 16;
constexpr size_t kEntryName = 19;
constexpr size_t kEntries = 8192;

// Whether the part ends a dump, or is an error. Lengths are the kernel's, and checked all the same.
bool IsLast(const uint8_t* part, size_t length) {
  while (length >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    memcpy(&header, part, sizeof(header));
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) return true;
    // An answer that is no dump is a single message.
    if ((header.nlmsg_flags & NLM_F_MULTI) == 0) return true;
    const size_t step = NLMSG_ALIGN(static_cast<size_t>(header.nlmsg_len));
    if (step < sizeof(header) || step > length) break;
    part += step;
    length -= step;
  }
  return false;
}

int ReceiveReplies(int netlink, size_t limit, std::vector<uint8_t>* replies) {
  uint8_t part[kPart];
  for (;;) {
    sockaddr_nl sender = {};
    iovec room = {part, sizeof(part)};
    msghdr message = {};
    message.msg_name = &sender;
    message.msg_namelen = sizeof(sender);
    message.msg_iov = &room;
    message.msg_iovlen = 1;
    ssize_t received;
    do {
      received = recvmsg(netlink, &message, 0);
    } while (received == -1 && errno == EINTR);
    if (received == -1) return -errno;
    // Other processes may send to this socket, too; only port 0 is the kernel (netlink(7)).
    if (sender.nl_pid != 0) continue;
    const size_t length = static_cast<size_t>(received);
    if ((message.msg_flags & MSG_TRUNC) != 0) return UV_ENOBUFS;
    if (replies->size() + length > limit) return UV_ENOBUFS;
    replies->insert(replies->end(), part, part + length);
    if (IsLast(part, length)) return 0;
  }
}

}  // namespace

int UnreadBytes(Descriptor descriptor) { return QueueSize(descriptor, SIOCINQ); }

int UnsentBytes(Descriptor descriptor) { return QueueSize(descriptor, SIOCOUTQ); }

int InspectSocketOf(uint32_t process, Descriptor descriptor, uint64_t cookie,
                    const OptionReads& reads, SocketInspection* inspection) {
  const ScopedDescriptor pidfd(OpenProcess(process));
  if (!pidfd.open()) return -errno;
  // Close-on-exec by itself. While it is open the process' own close() does not free the port.
  const ScopedDescriptor duplicate(syscall(SYS_pidfd_getfd, pidfd.get(), descriptor, 0));
  if (!duplicate.open()) return -errno;
  const int error = cookie == 0 ? 0 : CheckCookie(duplicate.get(), cookie);
  return error != 0 ? error : InspectSocket(duplicate.get(), reads, inspection);
}

int SocketDiag(const uint8_t* requests, size_t length, size_t limit,
               std::vector<uint8_t>* replies) {
  const ScopedDescriptor netlink(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink.open()) return -errno;
  // The kernel answers before send() returns; a message that it ignores must not block for good.
  const timeval patience = {1, 0};
  setsockopt(netlink.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  while (length > 0) {
    nlmsghdr header;
    if (length < sizeof(header)) return UV_EMSGSIZE;
    memcpy(&header, requests, sizeof(header));
    const size_t size = header.nlmsg_len;
    if (size < sizeof(header) || size > length) return UV_EMSGSIZE;
    ssize_t sent;
    do {
      sent = sendto(netlink.get(), requests, size, 0, reinterpret_cast<sockaddr*>(&kernel),
                    sizeof(kernel));
    } while (sent == -1 && errno == EINTR);
    if (sent == -1) return -errno;
    const int error = ReceiveReplies(netlink.get(), limit, replies);
    if (error != 0) return error;
    const size_t step = NLMSG_ALIGN(size);
    requests += step < length ? step : length;
    length -= step < length ? step : length;
  }
  return 0;
}

int HeldSockets(uint32_t process, const uint32_t* inodes, size_t count, size_t most, bool first,
                std::vector<HeldSocket>* held) {
  char text[64];
  snprintf(text, sizeof(text), "/proc/%u/fd", process);
  const ScopedDescriptor folder(open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.open()) return -errno;
  std::vector<bool> came(count);
  size_t missing = count;
  // Not readdir(): it has the kernel list over 1,000 descriptors, 1 ms, where few are looked at.
  alignas(8) char entries[kEntries];
  for (;;) {
    const long size = syscall(SYS_getdents64, folder.get(), entries, sizeof(entries));
    if (size <= 0) return size == 0 ? 0 : -errno;
    for (long at = 0; at < size;) {
      uint16_t length;
      memcpy(&length, entries + at + kEntryLength, sizeof(length));
      const char* name = entries + at + kEntryName;
      at += length;
      if (*name < '0' || *name > '9') continue;
      if (most-- == 0) return 0;
      // It may be closed by now.
      const ssize_t read = readlinkat(folder.get(), name, text, sizeof(text) - 1);
      if (read <= 0) continue;
      text[read] = '\0';
      uint32_t inode;
      if (sscanf(text, "socket:[%u]", &inode) != 1) continue;
      if (count != 0) {
        const uint32_t* found = std::lower_bound(inodes, inodes + count, inode);
        if (found == inodes + count || *found != inode) continue;
        const size_t index = static_cast<size_t>(found - inodes);
        if (!came[index]) missing--;
        came[index] = true;
      }
      held->push_back({inode, strtoll(name, nullptr, 10)});
      if (first && missing == 0) return 0;
    }
  }
}

int ListSockets(int64_t, std::vector<SystemSocket>*) { return UV_ENOTSUP; }

int DescribeProcess(uint32_t, SystemProcess*) { return UV_ENOTSUP; }

}  // namespace bindport
