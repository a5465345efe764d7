// What the Linux files share: pidfd_open(2), pidfd_getfd(2).
#ifndef BINDPORT_PROCESS_LINUX_H_
#define BINDPORT_PROCESS_LINUX_H_

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

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

namespace bindport {

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

// A pidfd of a process, or of a thread by its id; -1 and errno.
inline int OpenProcess(uint32_t process) {
  const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
  // EINVAL before Linux 6.9, ENOENT since: there is such a thread, and it leads no process.
  if (descriptor != -1 || (errno != EINVAL && errno != ENOENT)) return descriptor;
  return static_cast<int>(syscall(SYS_pidfd_open, process, PIDFD_THREAD));
}

}  // namespace bindport

#endif  // BINDPORT_PROCESS_LINUX_H_
