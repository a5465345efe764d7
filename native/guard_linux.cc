// Linux: seccomp_unotify(2), pidfd_getfd(2), process_vm_readv(2), socket(7) "SO_BINDTODEVICE".
//
// The guards are bound, and have SO_REUSEADDR off. The kernel compares two sockets at bind and at
// listen only where one of them names no device, or both name the same (inet_bind_conflict). So for
// the moment of a call the guards name a device that does not exist, and keep all out that name
// none, while the program's socket names the loopback device, and meets nobody.
#include <dlfcn.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include <cstdio>
#include <cstring>
#include <mutex>

#include "address.h"
#include "guard.h"
#include "process_linux.h"

// include/uapi/asm-generic/socket.h, Linux 5.0 and 5.14; include/uapi/linux/in.h, Linux 5.6.
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

namespace bindport {

namespace {

// No interface has them: the kernel counts up from 1 (dev_index_reserve).
constexpr int kNowhere = 0x7fffffff;
constexpr int kNowhereElse = kNowhere - 1;

constexpr size_t kStackSize = 256 * 1024;

// Milliseconds between looks whether an ended program has closed its sockets: 1, 2, 4 …
constexpr int kLongestPause = 512;

// How often a call is made again that was refused while the guards were open for a moment: somebody
// else may have been let in, who goes again as soon as its own call is refused.
constexpr int kAttempts = 20;

// Of this level the kernel tells integers; -1 where it does not know the option.
int Get(int socket, int name) {
  int value = -1;
  size_t length = sizeof(value);
  return GetOption(socket, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

int Set(int socket, int name, int value) {
  return SetOption(socket, SOL_SOCKET, name, &value, sizeof(value));
}

uint64_t NamespaceOf(int socket) {
  uint64_t cookie = 0;
  size_t length = sizeof(cookie);
  GetOption(socket, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length);
  return cookie;
}

int LoopbackDevice() {
  const uint32_t index = if_nametoindex("lo");
  return index == 0 ? 1 : static_cast<int>(index);
}

// Whether this process may take a socket's device away again: CAP_NET_RAW in the network namespace.
bool CanForgetDevices(int device) {
  const ScopedDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return Set(socket.get(), SO_BINDTOIFINDEX, device) == 0 &&
         Set(socket.get(), SO_BINDTOIFINDEX, 0) == 0;
}

// Whether what arrives at the address comes through the loopback device, and nothing else.
bool IsLoopback(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) {
    const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    return ntohl(ipv4->sin_addr.s_addr) >> 24 == 127;
  }
  const in6_addr& ipv6 = reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&ipv6) || (IN6_IS_ADDR_V4MAPPED(&ipv6) && ipv6.s6_addr[12] == 127);
}

// A pidfd of the thread, or before Linux 6.9 of its process.
int OpenThread(uint32_t thread) {
  const int descriptor = OpenProcess(thread);
  if (descriptor != -1 || errno != EINVAL) return descriptor;
  char text[64];
  snprintf(text, sizeof(text), "/proc/%u/status", thread);
  const std::unique_ptr<FILE, int (*)(FILE*)> status(fopen(text, "re"), fclose);
  if (status == nullptr) return -1;
  uint32_t process;
  while (fgets(text, sizeof(text), status.get()) != nullptr) {
    if (sscanf(text, "Tgid: %u", &process) == 1) return OpenProcess(process);
  }
  errno = ESRCH;
  return -1;
}

// A system call of the program, which waits for its answer.
class Call {
 public:
  Call(int calls, const seccomp_notif& call) : calls_(calls), call_(call) {}

  bool is_bind() const { return call_.data.nr == SYS_bind; }
  int backlog() const { return static_cast<int>(call_.data.args[1]); }
  const SocketAddress& address() const { return address_; }
  int socket() const { return socket_->get(); }

  // Copies the address that is given to bind(). Whether it is one of the port.
  bool ReadAddress(int port, GuardFailure* failure) {
    const uint64_t length = call_.data.args[2];
    if (length < sizeof(sockaddr_in) || length > sizeof(address_.storage)) return false;
    address_.length = static_cast<socklen_t>(length);
    iovec ours = {&address_.storage, address_.length};
    iovec theirs = {reinterpret_cast<void*>(call_.data.args[1]), address_.length};
    const ssize_t read = process_vm_readv(static_cast<pid_t>(call_.pid), &ours, 1, &theirs, 1, 0);
    if (read == -1) *failure = {"process_vm_readv", -errno};
    if (read != static_cast<ssize_t>(length)) return false;
    // The family may be left out for IPv4 (__inet_bind).
    if (address_.storage.ss_family == AF_UNSPEC) address_.storage.ss_family = AF_INET;
    return PortOf(address_) == port;
  }

  // Takes the socket that the call is about: the same one, not a copy.
  bool TakeSocket(GuardFailure* failure) {
    const ScopedDescriptor thread(OpenThread(call_.pid));
    if (!thread.open()) return Fails("pidfd_open", failure);
    const int descriptor = static_cast<int>(call_.data.args[0]);
    socket_.reset(new ScopedDescriptor(syscall(SYS_pidfd_getfd, thread.get(), descriptor, 0)));
    // EBADF is the program's own mistake.
    if (!socket_->open()) return errno != EBADF && Fails("pidfd_getfd", failure);
    // Else the number may be another process' by now, and so may what was read.
    return ioctl(calls_, SECCOMP_IOCTL_NOTIF_ID_VALID, &call_.id) == 0;
  }

  int Make() const {
    return is_bind() ? BindSocket(socket(), address_) : ListenSocket(socket(), backlog());
  }

  // For listen(), which has no address: where the socket is bound.
  bool LookUpAddress(int port) {
    return LocalAddress(socket(), &address_) == 0 && PortOf(address_) == port;
  }

 private:
  bool Fails(const char* syscall, GuardFailure* failure) {
    *failure = {syscall, -errno};
    return false;
  }

  const int calls_;
  const seccomp_notif& call_;
  SocketAddress address_ = {};
  std::unique_ptr<ScopedDescriptor> socket_;
};

}  // namespace

class Guard {
 public:
  ~Guard() { Close(); }

  int Open(const std::vector<Descriptor>& sockets) {
    for (const Descriptor socket : sockets) {
      const Descriptor duplicate = DuplicateSocket(socket, 0);
      if (duplicate < 0) return static_cast<int>(duplicate);
      sockets_.push_back(static_cast<int>(duplicate));
    }
    SocketAddress address;
    const int error = sockets_.empty() ? UV_EINVAL : LocalAddress(sockets_[0], &address);
    if (error != 0) return error;
    port_ = PortOf(address);
    namespace_ = NamespaceOf(sockets_[0]);
    loopback_ = LoopbackDevice();
    can_forget_devices_ = CanForgetDevices(loopback_);
    return 0;
  }

  void Close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const int socket : sockets_) close(socket);
    sockets_.clear();
  }

  GuardFailure failure() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return failure_;
  }

  // Receives a call and answers it. The kernel goes on with each that is not about the port: if the
  // program has changed its arguments meanwhile, the guards are in the way as for everybody.
  void Answer(int calls) {
    seccomp_notif call = {};
    // ENOENT: the program has ended, or a signal came first.
    if (ioctl(calls, SECCOMP_IOCTL_NOTIF_RECV, &call) == -1) return;
    seccomp_notif_resp answer = {};
    answer.id = call.id;
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    Call ours(calls, call);
    GuardFailure failure;
    // Without the lock: reading the program's memory may take as long as the program likes.
    const bool is_ours = IsOurs(&ours, &failure);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (failure.syscall != nullptr) failure_ = failure;
      if (is_ours && !sockets_.empty()) {
        answer.flags = 0;
        answer.error = LetIn(ours);
      }
    }
    ioctl(calls, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }

  // Once a socket with SO_REUSEPORT was on a port, all of the same user get in that set it too,
  // until one without it is bound (sk_reuseport_match, inet_csk_update_fastreuse). Whether that is
  // done.
  bool EndSharing() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!was_shared_ || sockets_.empty()) return true;
    const ScopedDescriptor other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // For what is in TIME_WAIT.
    Set(other.get(), SO_REUSEADDR, 1);
    Set(other.get(), SO_BINDTOIFINDEX, kNowhereElse);
    SocketAddress address;
    ParseEndpoint({AF_INET, "0.0.0.0", port_}, &address);
    SetDevice(kNowhere);
    was_shared_ = BindSocket(other.get(), address) != 0;
    SetDevice(0);
    return !was_shared_;
  }

 private:
  bool IsOurs(Call* call, GuardFailure* failure) const {
    if (call->is_bind() && !call->ReadAddress(port_, failure)) return false;
    if (!call->TakeSocket(failure)) return false;
    if (!call->is_bind() && !call->LookUpAddress(port_)) return false;
    const int protocol = Get(call->socket(), SO_PROTOCOL);
    if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP) return false;
    // listen() on one that listens changes its backlog, and has the kernel compare nothing.
    return Get(call->socket(), SO_ACCEPTCONN) == 0 && NamespaceOf(call->socket()) == namespace_;
  }

  int LetIn(const Call& call) {
    // Connections inherit it, and those in TIME_WAIT without it keep the next start from the port.
    Set(call.socket(), SO_REUSEADDR, 1);
    if (Get(call.socket(), SO_REUSEPORT) == 1) was_shared_ = true;
    const int device = Get(call.socket(), SO_BINDTOIFINDEX);
    if (device == 0 && !can_forget_devices_ && !IsLoopback(call.address())) {
      return LetInForAMoment(call);
    }
    SetDevice(kNowhere);
    if (device == 0) Set(call.socket(), SO_BINDTOIFINDEX, loopback_);
    const int result = call.Make();
    // A link-local address has set another one.
    if (device == 0 && Get(call.socket(), SO_BINDTOIFINDEX) == loopback_) {
      Set(call.socket(), SO_BINDTOIFINDEX, 0);
    }
    SetDevice(0);
    return result;
  }

  // Without CAP_NET_RAW a socket keeps its device for good, and would not get what comes through
  // another one. Then the guards are open for the microseconds of the call.
  int LetInForAMoment(const Call& call) {
    int result = UV_EADDRINUSE;
    for (int i = 0; i < kAttempts && result == UV_EADDRINUSE; i++) {
      std::vector<int> before;
      for (const int socket : sockets_) before.push_back(Get(socket, SO_REUSEADDR));
      for (const int socket : sockets_) Set(socket, SO_REUSEADDR, 1);
      result = call.Make();
      for (size_t k = 0; k < before.size(); k++) Set(sockets_[k], SO_REUSEADDR, before[k]);
    }
    return result;
  }

  // Back to none is EPERM without CAP_NET_RAW: the guards keep out all the same who names no
  // device.
  void SetDevice(int index) {
    for (const int socket : sockets_) Set(socket, SO_BINDTOIFINDEX, index);
  }

  std::mutex mutex_;
  std::vector<int> sockets_;
  GuardFailure failure_;
  int port_ = 0;
  uint64_t namespace_ = 0;
  int loopback_ = 0;
  bool can_forget_devices_ = false;
  bool was_shared_ = false;
};

namespace {

struct Program {
  std::shared_ptr<Guard> guard;
  int channel;
};

// The descriptor of the program's calls; -1 where the launcher has ended without sending it.
int ReceiveDescriptor(int channel) {
  char byte;
  iovec data = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t received;
  do {
    received = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
  } while (received == -1 && errno == EINTR);
  const cmsghdr* header = received == 1 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return -1;
  int descriptor;
  memcpy(&descriptor, CMSG_DATA(header), sizeof(descriptor));
  return descriptor;
}

void* Run(void* argument) {
  const std::unique_ptr<Program> program(static_cast<Program*>(argument));
  // What debuggers and top(1) show of it.
  prctl(PR_SET_NAME, "bindport-guard");
  const ScopedDescriptor channel(program->channel);
  const ScopedDescriptor calls(ReceiveDescriptor(channel.get()));
  pollfd ready = {calls.get(), POLLIN, 0};
  while (calls.open()) {
    if (poll(&ready, 1, -1) == -1 && errno != EINTR) break;
    if ((ready.revents & POLLIN) != 0) {
      program->guard->Answer(calls.get());
    } else if (ready.revents != 0) {
      // Nobody has the filter any more.
      break;
    }
  }
  // The kernel drops a filter before it closes the process' sockets (do_exit).
  for (int pause = 1; pause <= kLongestPause && !program->guard->EndSharing(); pause *= 2) {
    usleep(static_cast<useconds_t>(pause) * 1000);
  }
  return nullptr;
}

// Signals are for the threads that expect them. Nobody waits for this one: the program may outlive
// the worker that has started it.
int StartThread(Program* program) {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return -error;
  pthread_attr_setstacksize(&attributes, kStackSize);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  error = pthread_create(&thread, &attributes, Run, program);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return -error;
}

// Node unloads an addon with the last environment that has loaded it, while the thread may run on.
bool StayLoaded() {
  Dl_info self;
  return dladdr(reinterpret_cast<void*>(Run), &self) != 0 &&
         dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != nullptr;
}

}  // namespace

int OpenGuard(const std::vector<Descriptor>& sockets, std::shared_ptr<Guard>* guard) {
  const auto opened = std::make_shared<Guard>();
  const int error = opened->Open(sockets);
  if (error == 0) *guard = opened;
  return error;
}

void CloseGuard(Guard* guard) { guard->Close(); }

GuardFailure FailureOf(Guard* guard) { return guard->failure(); }

Descriptor Supervise(const std::shared_ptr<Guard>& guard) {
  static const bool stays_loaded = StayLoaded();
  if (!stays_loaded) return UV_ENOTSUP;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1) return -errno;
  std::unique_ptr<Program> program(new Program{guard, ends[0]});
  const int error = StartThread(program.get());
  if (error != 0) {
    close(ends[0]);
    close(ends[1]);
    return error;
  }
  program.release();
  return ends[1];
}

}  // namespace bindport
