// The C constants that the platform's headers define, with their names.
//
// Some are enumerators, which #ifdef can't see. So every name is declared as a type before the
// headers. After them it is a type still where they lack it, and a value where it is a macro, or an
// enumerator, which hides a type of its name ([basic.scope.hiding]). Either may be a template
// argument, and overloading tells which it is.
#include "constants.h"

#define CONSTANT(name) struct name;
#define NOT_A_TYPE(name) \
  namespace bindport {   \
  CONSTANT(name)         \
  }
#include "constants.def"
#include "socket.h"

#if __has_include(<netinet/tcp.h>)
#include <netinet/tcp.h>
#endif
#if __has_include(<netinet/udp.h>)
#include <netinet/udp.h>
#endif

namespace bindport {

namespace {

template <typename Lacking>
constexpr std::optional<int> Value() {
  return std::nullopt;
}

template <auto kValue>
constexpr std::optional<int> Value() {
  return int{kValue};
}

#define CONSTANT(name)
#define EVERYWHERE(name) static_assert(Value<name>().has_value(), #name " is on every platform");
#include "constants.def"

}  // namespace

constexpr Constant kConstants[] = {
#define CONSTANT(name) {#name, Value<name>()},
#include "constants.def"
};

const size_t kConstantCount = sizeof(kConstants) / sizeof(kConstants[0]);

}  // namespace bindport
