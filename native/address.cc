#include "address.h"

namespace bindport {

namespace {

int ParseIpv4(const Endpoint& endpoint, SocketAddress* address) {
  sockaddr_in* ipv4 = reinterpret_cast<sockaddr_in*>(&address->storage);
  if (inet_pton(AF_INET, endpoint.address.c_str(), &ipv4->sin_addr) != 1) return UV_EINVAL;
  ipv4->sin_family = AF_INET;
  ipv4->sin_port = htons(static_cast<uint16_t>(endpoint.port));
  address->length = sizeof(*ipv4);
  return 0;
}

int ParseIpv6(const Endpoint& endpoint, SocketAddress* address) {
  sockaddr_in6* ipv6 = reinterpret_cast<sockaddr_in6*>(&address->storage);
  // inet_pton takes no zone.
  const size_t percent = endpoint.address.find('%');
  const std::string numeric = endpoint.address.substr(0, percent);
  if (inet_pton(AF_INET6, numeric.c_str(), &ipv6->sin6_addr) != 1) return UV_EINVAL;
  if (percent != std::string::npos) {
    ipv6->sin6_scope_id = ParseZone(endpoint.address.c_str() + percent + 1);
    if (ipv6->sin6_scope_id == 0) return UV_ENODEV;
  }
  ipv6->sin6_family = AF_INET6;
  ipv6->sin6_port = htons(static_cast<uint16_t>(endpoint.port));
  address->length = sizeof(*ipv6);
  return 0;
}

}  // namespace

int ParseEndpoint(const Endpoint& endpoint, SocketAddress* address) {
  *address = {};
  switch (endpoint.family) {
    case AF_INET:
      return ParseIpv4(endpoint, address);
    case AF_INET6:
      return ParseIpv6(endpoint, address);
    case AF_UNIX:
      return ParsePath(endpoint.address, address);
    case AF_UNSPEC:
      // For connect: it ends the association of a UDP socket.
      address->storage.ss_family = AF_UNSPEC;
      address->length = sizeof(sockaddr);
      return 0;
    default:
      return UV_EAFNOSUPPORT;
  }
}

int FormatEndpoint(const SocketAddress& address, Endpoint* endpoint) {
  char text[INET6_ADDRSTRLEN];
  endpoint->family = address.storage.ss_family;
  endpoint->port = PortOf(address);
  switch (endpoint->family) {
    case AF_INET: {
      const sockaddr_in* ipv4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
      inet_ntop(AF_INET, &ipv4->sin_addr, text, sizeof(text));
      endpoint->address = text;
      return 0;
    }
    case AF_INET6: {
      const sockaddr_in6* ipv6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
      inet_ntop(AF_INET6, &ipv6->sin6_addr, text, sizeof(text));
      endpoint->address = text;
      if (ipv6->sin6_scope_id != 0) endpoint->address += "%" + FormatZone(ipv6->sin6_scope_id);
      return 0;
    }
    case AF_UNIX:
      endpoint->address = FormatPath(address);
      return 0;
    default:
      return UV_EAFNOSUPPORT;
  }
}

socklen_t AddressSize(int family) {
  switch (family) {
    case AF_INET:
      return sizeof(sockaddr_in);
    case AF_INET6:
      return sizeof(sockaddr_in6);
    default:
      return sizeof(sockaddr_storage);
  }
}

int PortOf(const SocketAddress& address) {
  switch (address.storage.ss_family) {
    case AF_INET:
      return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
    case AF_INET6:
      return ntohs(reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_port);
    default:
      return 0;
  }
}

}  // namespace bindport
