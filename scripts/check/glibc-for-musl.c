// What the GNU C++ library takes from glibc and musl 1.2.3 has not; see runtimes.mjs. For tests only.
#include <locale.h>
#include <stdint.h>
#include <sys/random.h>
#include <time.h>

char __libc_single_threaded = 0;

uint32_t arc4random(void) {
  uint32_t value = 0;
  getrandom(&value, sizeof value, 0);
  return value;
}

size_t __strftime_l(char* to, size_t size, const char* format, const struct tm* time, locale_t locale) {
  return strftime_l(to, size, format, time, locale);
}

// Destructors of thread-local objects are not run.
int __cxa_thread_atexit_impl(void (*destroy)(void*), void* object, void* library) {
  (void)destroy, (void)object, (void)library;
  return 0;
}

// -1: not found here, so the unwinder asks dl_iterate_phdr.
int _dl_find_object(void* address, void* result) {
  (void)address, (void)result;
  return -1;
}

int __cpu_indicator_init(void) { return 0; }
struct {
  unsigned int values[4];
} __cpu_model;
