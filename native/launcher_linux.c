// Starts a program whose bind() and listen() another process answers: seccomp_unotify(2).
//
//   bindport-launcher CHANNEL ARGV0 COMMAND [ARGUMENT]...   becomes the program
//   bindport-launcher PORT                                  tries whether it works: listens there
//
// CHANNEL: the descriptor of a Unix domain socket; the process at its other end gets the descriptor
// of the calls. A program that can't be started ends it as a shell would: with 127 where it was not
// found, with 126 otherwise, and one line on standard error.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
// include/uapi/linux/seccomp.h, Linux 5.19.
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define NATIVE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define NATIVE AUDIT_ARCH_ARM
#else
// No call has it, so none is sent on, and the trial fails.
#define NATIVE 0
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped)
#define IF(value, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skipped, 0)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)

static int fail(const char* what, int status) {
  fprintf(stderr, "bindport: %s: %s\n", what, strerror(errno));
  return status;
}

// Only the processor's own calls: another architecture's program on it gets what the kernel says.
static int install(void) {
  struct sock_filter code[] = {
      LOAD(arch),
      UNLESS(NATIVE, 4),
      LOAD(nr),
      IF(__NR_bind, 1),
      UNLESS(__NR_listen, 1),
      RETURN(SECCOMP_RET_USER_NOTIF),
      RETURN(SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};
  // Without WAIT_KILLABLE_RECV a signal ends a call that is being answered already.
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                      SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
                      &filter);
}

static ssize_t send_descriptor(int channel, int descriptor) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  char byte = 0;
  struct iovec data = {&byte, 1};
  struct msghdr message;
  ssize_t sent;
  memset(&message, 0, sizeof(message));
  memset(&control, 0, sizeof(control));
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof(control.room);
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(descriptor));
  do {
    sent = sendmsg(channel, &message, MSG_NOSIGNAL);
  } while (sent == -1 && errno == EINTR);
  return sent;
}

static int listen_on(int port) {
  struct sockaddr_in address;
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  if (descriptor == -1) return fail("socket", 1);
  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons((uint16_t)port);
  if (bind(descriptor, (struct sockaddr*)&address, sizeof(address)) == -1) return fail("bind", 1);
  if (listen(descriptor, 1) == -1) return fail("listen", 1);
  return 0;
}

int main(int argc, char** argv) {
  int channel, calls;
  if (argc == 2) return listen_on(atoi(argv[1]));
  if (argc < 4) {
    errno = EINVAL;
    return fail("CHANNEL ARGV0 COMMAND", 126);
  }
  channel = atoi(argv[1]);
  // Set-user-ID programs do not get their rights from now on: without it a filter needs
  // CAP_SYS_ADMIN.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) return fail("prctl", 126);
  calls = install();
  if (calls == -1) return fail("seccomp", 126);
  if (send_descriptor(channel, calls) == -1) return fail("sendmsg", 126);
  close(calls);
  close(channel);
  const char* command = argv[3];
  argv[3] = argv[2];
  execvp(command, argv + 3);
  return fail(command, errno == ENOENT ? 127 : 126);
}
