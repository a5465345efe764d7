#ifndef BINDPORT_ADDRESS_H_
#define BINDPORT_ADDRESS_H_

#include <string>

#include "socket.h"

namespace bindport {

struct Endpoint {
  int family;
  // Numeric, with its zone where IPv6 needs one; the path of a Unix domain socket.
  std::string address;
  // 0 where the family has no ports.
  int port;
};

// Both return 0 or a negative libuv error number: UV_EINVAL for text that is no address of the
// family, UV_ENODEV for an unknown zone, UV_EAFNOSUPPORT for a family without a textual form here.
int ParseEndpoint(const Endpoint& endpoint, SocketAddress* address);
int FormatEndpoint(const SocketAddress& address, Endpoint* endpoint);

// The size of the family's sockaddr; for other families that of sockaddr_storage, the largest.
socklen_t AddressSize(int family);

// The port alone, without the cost of formatting the address. 0 where the family has no ports.
int PortOf(const SocketAddress& address);

}  // namespace bindport

#endif  // BINDPORT_ADDRESS_H_
