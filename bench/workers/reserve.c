/* The system calls of a reservation and nothing else: reserve-cost.mjs compares with it.
   Arguments: how many to hold at each point. Prints the nanoseconds that each stretch took. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int reserve(void) {
  const int off = 0;
  struct sockaddr_in6 address;
  socklen_t length = sizeof(address);
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd == -1) return -1;
  memset(&address, 0, sizeof(address));
  address.sin6_family = AF_INET6;
  if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == -1) return -1;
  if (bind(fd, (struct sockaddr*)&address, sizeof(address)) == -1) return -1;
  return getsockname(fd, (struct sockaddr*)&address, &length);
}

int main(int argc, char** argv) {
  int held = 0;
  for (int i = 1; i < argc; i++) {
    const long long start = now();
    for (; held < atoi(argv[i]); held++) {
      if (reserve() == -1) {
        perror("reserve");
        return 1;
      }
    }
    printf("%lld\n", now() - start);
  }
  fflush(stdout);
  /* Holds them until the caller has seen enough. */
  return getchar() == EOF ? 0 : 1;
}
