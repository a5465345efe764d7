// Preloaded (LD_PRELOAD): has the nth call of one function fail, and watches over close. It is told what to do
// through setsockopt and getsockopt of a descriptor that there can't be, so that it needs no addon of its own.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CONTROL = -7701, DESCRIPTORS = 4096 };
enum { SOCKET, BIND, LISTEN, GETSOCKNAME, GETSOCKOPT, SETSOCKOPT, DUP, FCNTL, ACCEPT4, DUP3, CLOSE, SENDMSG, RECVMSG };
enum { DISARM, FIRED, CLOSED_TWICE, RELEASE };

static int armed = -1, nth, error, count, fired, watching, twice;
static long thread;
static unsigned char canary[DESCRIPTORS];

// Whether this call is to fail. Only on the thread that armed it: libuv's others are not ours to judge.
static int fails(int call) {
  if (call != armed || syscall(SYS_gettid) != thread) return 0;
  count++;
  if (count != nth) return 0;
  fired = 1;
  errno = error;
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int socket(int family, int type, int protocol) {
  return fails(SOCKET) ? -1 : REAL(socket)(family, type, protocol);
}
int bind(int fd, const struct sockaddr *address, socklen_t length) {
  return fails(BIND) ? -1 : REAL(bind)(fd, address, length);
}
int listen(int fd, int backlog) { return fails(LISTEN) ? -1 : REAL(listen)(fd, backlog); }
int getsockname(int fd, struct sockaddr *address, socklen_t *length) {
  return fails(GETSOCKNAME) ? -1 : REAL(getsockname)(fd, address, length);
}
int dup(int fd) { return fails(DUP) ? -1 : REAL(dup)(fd); }
int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  return fails(ACCEPT4) ? -1 : REAL(accept4)(fd, address, length, flags);
}
int dup3(int from, int to, int flags) { return fails(DUP3) ? -1 : REAL(dup3)(from, to, flags); }
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  return fails(SENDMSG) ? -1 : REAL(sendmsg)(fd, message, flags);
}
ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  return fails(RECVMSG) ? -1 : REAL(recvmsg)(fd, message, flags);
}

#define FCNTL_BODY(name)                                      \
  va_list arguments;                                          \
  va_start(arguments, command);                               \
  void *argument = va_arg(arguments, void *);                 \
  va_end(arguments);                                          \
  return fails(FCNTL) ? -1 : REAL(name)(fd, command, argument)
int fcntl(int fd, int command, ...) { FCNTL_BODY(fcntl); }
int fcntl64(int fd, int command, ...) { FCNTL_BODY(fcntl64); }

// A number that was closed gets a file that nobody knows of at once: whoever closes it again hits that one.
int close(int fd) {
  if (!watching || fd < 0 || fd >= DESCRIPTORS || syscall(SYS_gettid) != thread) return REAL(close)(fd);
  if (canary[fd]) {
    twice++;
    return 0;
  }
  // Whatever close(2) says, the descriptor is closed on Linux.
  const int result = REAL(close)(fd);
  const int saved = errno;
  if (result == 0) {
    const int file = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
    if (file != fd) {
      syscall(SYS_dup3, file, fd, O_CLOEXEC);
      syscall(SYS_close, file);
    }
    canary[fd] = 1;
  }
  errno = saved;
  return fails(CLOSE) ? -1 : result;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
  if (fd == CONTROL) {
    armed = level;
    nth = name;
    memcpy(&error, value, sizeof(error));
    count = fired = twice = 0;
    thread = syscall(SYS_gettid);
    watching = 1;
    return 0;
  }
  return fails(SETSOCKOPT) ? -1 : REAL(setsockopt)(fd, level, name, value, length);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *length) {
  if (fd == CONTROL) {
    int result = name == FIRED ? fired : name == CLOSED_TWICE ? twice : 0;
    if (name == DISARM) armed = -1;
    if (name == RELEASE) {
      armed = -1;
      watching = 0;
      for (int i = 0; i < DESCRIPTORS; i++) {
        if (canary[i]) syscall(SYS_close, i);
        canary[i] = 0;
      }
    }
    memcpy(value, &result, sizeof(result));
    *length = sizeof(result);
    return 0;
  }
  return fails(GETSOCKOPT) ? -1 : REAL(getsockopt)(fd, level, name, value, length);
}
