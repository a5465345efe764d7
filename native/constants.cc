// The C constants that the platform has, by their names.
//
// Some are enumerators, which #ifdef can't see. So every name is declared as a type before the
// headers. After them it is a type still where they lack it, and a value where it is a macro, or an
// enumerator, which hides a type of its name ([basic.scope.hiding]). Either may be a template
// argument, and overloading tells which it is.
//
// Headers are often older than the system that the addon runs on. constants_abi.def, which
// binding.gyp chooses, has the numbers that can't change on that system. They take the same way: an
// enumerator abi_NAME where there is a number, and else a type.
#include "constants.h"

#define CONSTANT(name) \
  struct name;         \
  struct abi_##name;
#define NOT_A_TYPE(name) \
  namespace bindport {   \
  CONSTANT(name)         \
  }
#include "constants.def"

// macOS: the options of RFC 3542 instead of those of RFC 2292 (netinet6/in6.h).
#define __APPLE_USE_RFC_3542

#include "socket.h"

#if __has_include(<netinet/icmp6.h>)
#include <netinet/icmp6.h>
#endif
#if __has_include(<netinet/in_systm.h>)
#include <netinet/in_systm.h>
#endif
#if __has_include(<netinet/ip.h>)
#include <netinet/ip.h>
#endif
#if __has_include(<netinet/tcp.h>)
#include <netinet/tcp.h>
#endif
#if __has_include(<netinet/tcp_fsm.h>)
#include <netinet/tcp_fsm.h>
#endif
#if __has_include(<netinet/udp.h>)
#include <netinet/udp.h>
#endif
#if __has_include(<sys/un.h>)
#include <sys/un.h>
#endif

// Not iphlpapi.h: it has a TCP_STATS that is no option.
#if __has_include(<mstcpip.h>)
#include <mstcpip.h>
#endif

// The headers of Linux that go with any libc's. linux/in.h, linux/in6.h, linux/tcp.h, linux/udp.h
// and those that include them (linux/icmp.h, linux/mptcp.h) define the structures of netinet/
// again.
#if __has_include(<linux/if_packet.h>)
#include <linux/if_packet.h>
#endif
#if __has_include(<linux/net_tstamp.h>)
#include <linux/net_tstamp.h>
#endif
#if __has_include(<linux/netlink.h>)
#include <linux/netlink.h>
#endif
#if __has_include(<linux/tls.h>)
#include <linux/tls.h>
#endif
#if __has_include(<linux/vm_sockets.h>)
#include <linux/vm_sockets.h>
#endif

// FreeBSD's; on Linux that of lksctp-tools, which wraps the kernel's and may be missing.
#if __has_include(<linux/sctp.h>)
#include <linux/sctp.h>
#elif __has_include(<netinet/sctp.h>)
#include <netinet/sctp.h>
#endif

#if __has_include("constants_abi.def")
#define ABI(name, number) enum { abi_##name = number };
#include "constants_abi.def"
#endif

namespace bindport {

namespace {

// Options and their values have 32 bits; Windows writes some as unsigned.
template <auto kValue>
constexpr int ToInt() {
  constexpr int value = static_cast<int>(kValue);
  static_assert(sizeof(kValue) == sizeof(value) || static_cast<int64_t>(kValue) == value,
                "32 bits are not enough");
  return value;
}

template <typename Header, typename Abi>
constexpr std::optional<int> Value() {
  return std::nullopt;
}

template <auto kHeader, typename Abi>
constexpr std::optional<int> Value() {
  return ToInt<kHeader>();
}

template <typename Header, auto kAbi>
constexpr std::optional<int> Value() {
  return ToInt<kAbi>();
}

template <auto kHeader, auto kAbi>
constexpr std::optional<int> Value() {
  static_assert(ToInt<kHeader>() == ToInt<kAbi>(), "the header has another number");
  return ToInt<kHeader>();
}

}  // namespace

#define CONSTANT(name)
#define EVERYWHERE(name) static_assert(Value<name, abi_##name>(), #name " is on every platform");
#include "constants.def"

constexpr Constant kConstants[] = {
#define CONSTANT(name) {#name, Value<name, abi_##name>()},
#include "constants.def"
};

const size_t kConstantCount = sizeof(kConstants) / sizeof(kConstants[0]);

}  // namespace bindport
