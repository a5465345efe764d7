/* The system calls of an inspection and nothing else: inspect-cost.mjs compares with it.
   Arguments: how often, then level, name and length of each option. Prints the nanoseconds of the fastest of
   five rounds, per inspection. */
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#define ROUNDS 5

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* What the socket is, its addresses and its queues. */
static void describe(int fd) {
  const int kind[] = {SO_DOMAIN, SO_TYPE, SO_PROTOCOL};
  struct sockaddr_storage address;
  socklen_t length = sizeof(address);
  int number;
  for (int i = 0; i < 3; i++) {
    socklen_t size = sizeof(number);
    getsockopt(fd, SOL_SOCKET, kind[i], &number, &size);
  }
  getsockname(fd, (struct sockaddr*)&address, &length);
  length = sizeof(address);
  getpeername(fd, (struct sockaddr*)&address, &length);
  ioctl(fd, SIOCINQ, &number);
  ioctl(fd, SIOCOUTQ, &number);
}

int main(int argc, char** argv) {
  const int times = argc > 1 ? atoi(argv[1]) : 0;
  const int count = (argc - 2) / 3;
  static char value[1 << 18];
  int* calls = malloc(sizeof(int) * (size_t)(3 * count + 1));
  struct sockaddr_in address;
  long long best = -1;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (calls == NULL || times <= 0 || fd == -1 ||
      bind(fd, (struct sockaddr*)&address, sizeof(address)) == -1 || listen(fd, 511) == -1) {
    perror("inspect-cost");
    return 1;
  }
  for (int i = 0; i < 3 * count; i++) calls[i] = atoi(argv[2 + i]);
  for (int round = 0; round < ROUNDS; round++) {
    const long long start = now();
    long long took;
    for (int time = 0; time < times; time++) {
      describe(fd);
      for (int i = 0; i < count; i++) {
        socklen_t length = (socklen_t)calls[3 * i + 2];
        getsockopt(fd, calls[3 * i], calls[3 * i + 1], value, &length);
      }
    }
    took = (now() - start) / times;
    if (best == -1 || took < best) best = took;
  }
  printf("%lld\n", best);
  free(calls);
  return 0;
}
