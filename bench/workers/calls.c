/* The system calls of each work and nothing else, for bench/run.mjs. First prints its ways as JSON,
   then answers lines "WORK/C TIMES" with the nanoseconds that so many took. Arguments: level, name
   and length of each option of an inspection. */
#include <linux/filter.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MOST_SOCKETS 4096

static int listener;
static int* plan;
static int plan_count;
static int sockets[MOST_SOCKETS];

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void check(int result) {
  if (result != -1) return;
  perror("calls");
  exit(1);
}

static void bind4(int fd, int port) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  check(bind(fd, (struct sockaddr*)&address, sizeof(address)));
}

static int bind6(int fd, struct in6_addr host, int port) {
  struct sockaddr_in6 address;
  memset(&address, 0, sizeof(address));
  address.sin6_family = AF_INET6;
  address.sin6_addr = host;
  address.sin6_port = htons(port);
  return bind(fd, (struct sockaddr*)&address, sizeof(address));
}

static int port_of(int fd) {
  struct sockaddr_in address;
  socklen_t length = sizeof(address);
  check(getsockname(fd, (struct sockaddr*)&address, &length));
  return ntohs(address.sin_port);
}

static int open_socket(int family, int type) {
  const int fd = socket(family, type | SOCK_CLOEXEC, 0);
  check(fd);
  return fd;
}

static void get(int level, int name, void* value, socklen_t length) {
  check(getsockopt(listener, level, name, value, &length));
}

static void get_int(void) {
  int value;
  get(SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value));
}

static void get_linger(void) {
  struct linger value;
  get(SOL_SOCKET, SO_LINGER, &value, sizeof(value));
}

static void get_timeout(void) {
  struct timeval value;
  get(SOL_SOCKET, SO_RCVTIMEO, &value, sizeof(value));
}

static void get_text(void) {
  char value[16];
  get(IPPROTO_TCP, TCP_CONGESTION, value, sizeof(value));
}

static void get_uint64(void) {
  unsigned long long value;
  get(SOL_SOCKET, SO_MAX_PACING_RATE, &value, sizeof(value));
}

static void get_ints(void) {
  int value[9];
  get(SOL_SOCKET, SO_MEMINFO, value, sizeof(value));
}

static void get_bytes(void) {
  char value[64];
  get(IPPROTO_IP, IP_OPTIONS, value, sizeof(value));
}

/* CPython's bind_port. */
static int bind_port(int fd) {
  int value;
  socklen_t length = sizeof(value);
  check(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &length));
  length = sizeof(value);
  check(getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, &length));
  bind4(fd, 0);
  return port_of(fd);
}

static void find(void) {
  const int fd = open_socket(AF_INET, SOCK_STREAM);
  bind_port(fd);
  close(fd);
}

static void open_close(void) { close(open_socket(AF_INET, SOCK_STREAM)); }

/* On every address. */
static void reserve(void) {
  const int off = 0;
  const int fd = open_socket(AF_INET6, SOCK_STREAM);
  check(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)));
  check(bind6(fd, in6addr_any, 0));
  port_of(fd);
  close(fd);
}

/* On both loopback addresses: as often as it takes until a number is free on both. */
static void reserve_localhost(void) {
  for (;;) {
    const int first = open_socket(AF_INET, SOCK_STREAM);
    const int second = open_socket(AF_INET6, SOCK_STREAM);
    int result;
    bind4(first, 0);
    result = bind6(second, in6addr_loopback, port_of(first));
    close(second);
    close(first);
    if (result == 0) return;
  }
}

/* The kernel's choice, bound by its number, and what arrives is dropped. */
static void reserve_udp(void) {
  struct sock_filter drop = {BPF_RET | BPF_K, 0, 0, 0};
  const struct sock_fprog program = {1, &drop};
  const int choice = open_socket(AF_INET, SOCK_DGRAM);
  int port;
  int fd;
  bind4(choice, 0);
  port = port_of(choice);
  close(choice);
  fd = open_socket(AF_INET, SOCK_DGRAM);
  bind4(fd, port);
  check(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
  close(fd);
}

/* What the socket is, its addresses, its queues and its options. */
static void inspect(void) {
  static char value[1 << 18];
  const int kind[] = {SO_DOMAIN, SO_TYPE, SO_PROTOCOL};
  struct sockaddr_storage address;
  socklen_t length = sizeof(address);
  int number;
  for (int i = 0; i < 3; i++) get(SOL_SOCKET, kind[i], &number, sizeof(number));
  getsockname(listener, (struct sockaddr*)&address, &length);
  length = sizeof(address);
  getpeername(listener, (struct sockaddr*)&address, &length);
  ioctl(listener, SIOCINQ, &number);
  ioctl(listener, SIOCOUTQ, &number);
  for (int i = 0; i < plan_count; i++) {
    length = (socklen_t)plan[3 * i + 2];
    getsockopt(listener, plan[3 * i], plan[3 * i + 1], value, &length);
  }
}

static const struct {
  const char* name;
  void (*once)(void);
} works[] = {
    {"getsockopt", get_int}, {"linger", get_linger}, {"milliseconds", get_timeout},
    {"text", get_text},      {"bigint", get_uint64}, {"integers", get_ints},
    {"bytes", get_bytes},    {"find", find},         {"socket", open_close},
    {"reserve", reserve},    {"udp", reserve_udp},   {"localhost", reserve_localhost},
    {"inspect", inspect},    {"bindPort", NULL},
};
#define WORKS (sizeof(works) / sizeof(*works))

/* The sockets are there before and are closed afterwards. */
static long long time_bind_port(int times) {
  long long start;
  long long took;
  for (int i = 0; i < times; i++) sockets[i] = open_socket(AF_INET, SOCK_STREAM);
  start = now();
  for (int i = 0; i < times; i++) bind_port(sockets[i]);
  took = now() - start;
  for (int i = 0; i < times; i++) close(sockets[i]);
  return took;
}

static long long run(const char* work, int times) {
  for (size_t i = 0; i < WORKS; i++) {
    long long start;
    if (strcmp(works[i].name, work) != 0) continue;
    if (works[i].once == NULL) return time_bind_port(times);
    start = now();
    for (int time = 0; time < times; time++) works[i].once();
    return now() - start;
  }
  return -1;
}

int main(int argc, char** argv) {
  char work[32];
  int times;
  listener = open_socket(AF_INET, SOCK_STREAM);
  bind4(listener, 0);
  check(listen(listener, 511));
  check(setsockopt(listener, IPPROTO_IP, IP_OPTIONS, "\1\1\1", 4));
  plan_count = (argc - 1) / 3;
  plan = malloc(sizeof(int) * (size_t)(3 * plan_count + 1));
  if (plan == NULL) return 1;
  for (int i = 0; i < 3 * plan_count; i++) plan[i] = atoi(argv[1 + i]);
  for (size_t i = 0; i < WORKS; i++) printf("%s\"%s/C\"", i == 0 ? "[" : ", ", works[i].name);
  puts("]");
  fflush(stdout);
  while (scanf(" %31[^/]/C %d", work, &times) == 2) {
    if (times > MOST_SOCKETS && strcmp(work, "bindPort") == 0) return 1;
    printf("%lld\n", run(work, times));
    fflush(stdout);
  }
  free(plan);
  return 0;
}
