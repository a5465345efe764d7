/* Runs a program and waits for it, over and over, for bench/parts/load.mjs: a small process, so
   that starting another one costs what it costs. Reads lines of arguments that are separated by
   tabs; answers each with the nanoseconds that it took and its exit status. Its output is thrown
   away. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define MOST_ARGUMENTS 16

extern char** environ;

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(void) {
  char line[4096];
  posix_spawn_file_actions_t silent;
  posix_spawn_file_actions_init(&silent);
  posix_spawn_file_actions_addopen(&silent, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&silent, 1, "/dev/null", O_WRONLY, 0);
  while (fgets(line, sizeof(line), stdin) != NULL) {
    char* arguments[MOST_ARGUMENTS + 1] = {NULL};
    long long start;
    pid_t child;
    int status;
    int count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char* word = strtok(line, "\t"); word != NULL && count < MOST_ARGUMENTS;
         word = strtok(NULL, "\t")) {
      arguments[count++] = word;
    }
    start = now();
    if (posix_spawn(&child, arguments[0], &silent, NULL, arguments, environ) != 0) return 1;
    if (waitpid(child, &status, 0) == -1) return 1;
    printf("%lld %d\n", now() - start, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    fflush(stdout);
  }
  return 0;
}
