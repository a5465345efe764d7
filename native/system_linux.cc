// Linux: netlink(7), sock_diag(7), pidfd_open(2), pidfd_getfd(2), proc_pid_fd(5), tcp(7) "Ioctls".
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "process_linux.h"
#include "system.h"

#ifndef SO_COOKIE
// include/uapi/asm-generic/socket.h, Linux 4.12; the architectures that differ are none of Node's.
#define SO_COOKIE 57
#endif
#ifndef NETLINK_SOCK_DIAG
#define NETLINK_SOCK_DIAG 4
#endif

namespace bindport {

namespace {

int QueueSize(Descriptor descriptor, unsigned long request) {
  int bytes = 0;
  return ioctl(static_cast<int>(descriptor), request, &bytes) == -1 ? -errno : bytes;
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

// How the two folders of a process that have an entry for each descriptor tell a socket's inode. 0
// for what is no socket, or is closed by now; a negative error.
using InodeReader = int64_t (*)(int folder, const char* name);

// proc_pid_fd(5). The folder takes the rights of its owner or CAP_DAC_READ_SEARCH, the links those
// of PTRACE_MODE_READ_FSCREDS: root without CAP_SYS_PTRACE may have the one and not the other.
int64_t InodeOfLink(int folder, const char* name) {
  char text[64];
  const ssize_t length = readlinkat(folder, name, text, sizeof(text) - 1);
  if (length == -1) return errno == EACCES ? -EACCES : 0;
  text[length] = '\0';
  uint32_t inode;
  return sscanf(text, "socket:[%u]", &inode) == 1 ? inode : 0;
}

// The mount and the inode of a file that is open, from proc_pid_fdinfo(5).
bool ReadInfo(int folder, const char* name, int* mount, uint32_t* inode) {
  char text[256];
  const ScopedDescriptor file(openat(folder, name, O_RDONLY | O_CLOEXEC));
  const ssize_t length = file.open() ? read(file.get(), text, sizeof(text) - 1) : -1;
  if (length <= 0) return false;
  text[length] = '\0';
  return sscanf(text, "pos: %*d flags: %*o mnt_id: %d ino: %u", mount, inode) == 2;
}

// All sockets are on one mount of the kernel's (net/socket.c, sock_mnt). -1 where it is not told.
int SocketMount() {
  const ScopedDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.open()) return -1;
  char name[32];
  snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", socket.get());
  int mount;
  uint32_t inode;
  return ReadInfo(AT_FDCWD, name, &mount, &inode) ? mount : -1;
}

// Since Linux 5.14 fdinfo takes PTRACE_MODE_READ_FSCREDS alone, and tells the inode.
int64_t InodeOfInfo(int folder, const char* name) {
  static const int sockets = SocketMount();
  int mount;
  uint32_t inode;
  if (!ReadInfo(folder, name, &mount, &inode)) return 0;
  return mount == sockets ? inode : 0;
}

int OpenFolder(uint32_t process, const char* name) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%u/%s", process, name);
  return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// `fd`, or where that is closed to this user `fdinfo`.
int OpenDescriptors(uint32_t process, InodeReader* reader) {
  *reader = InodeOfLink;
  const int folder = OpenFolder(process, "fd");
  if (folder != -1 || errno != EACCES) return folder;
  *reader = InodeOfInfo;
  return OpenFolder(process, "fdinfo");
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
  InodeReader inode_of;
  const ScopedDescriptor folder(OpenDescriptors(process, &inode_of));
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
      const int64_t read = inode_of(folder.get(), name);
      if (read < 0) return static_cast<int>(read);
      if (read == 0) continue;
      const uint32_t inode = static_cast<uint32_t>(read);
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
