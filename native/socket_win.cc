#include <winsock2.h>
#include <ws2tcpip.h>

#if __has_include(<afunix.h>)
#include <afunix.h>
#else
struct sockaddr_un {
  ADDRESS_FAMILY sun_family;
  char sun_path[108];
};
#endif

#include <cstdlib>
#include <cstring>

#include "socket.h"

namespace bindport {

namespace {

SOCKET Handle(Descriptor descriptor) { return static_cast<SOCKET>(descriptor); }

// The same pairs as libuv's uv_translate_sys_error (src/win/error.c), so that a failing bind here
// and in Node carry the same code.
int TranslateError(int error) {
  switch (error) {
    case WSAEACCES:
      return UV_EACCES;
    case WSAEADDRINUSE:
      return UV_EADDRINUSE;
    case WSAEADDRNOTAVAIL:
      return UV_EADDRNOTAVAIL;
    case WSAEAFNOSUPPORT:
      return UV_EAFNOSUPPORT;
    case WSAEALREADY:
      return UV_EALREADY;
    case WSAEBADF:
      return UV_EBADF;
    case WSAECONNABORTED:
      return UV_ECONNABORTED;
    case WSAECONNREFUSED:
      return UV_ECONNREFUSED;
    case WSAECONNRESET:
      return UV_ECONNRESET;
    case WSAEDESTADDRREQ:
      return UV_EDESTADDRREQ;
    case WSAEFAULT:
      return UV_EFAULT;
    case WSAEHOSTUNREACH:
      return UV_EHOSTUNREACH;
    case WSAEINTR:
      return UV_EINTR;
    case WSAEINVAL:
      return UV_EINVAL;
    case WSAEISCONN:
      return UV_EISCONN;
    case WSAEMFILE:
      return UV_EMFILE;
    case WSAEMSGSIZE:
      return UV_EMSGSIZE;
    case WSAENETDOWN:
      return UV_ENETDOWN;
    case WSAENETUNREACH:
      return UV_ENETUNREACH;
    case WSAENOBUFS:
      return UV_ENOBUFS;
    case WSAENOPROTOOPT:
      return UV_ENOPROTOOPT;
    case WSAENOTCONN:
      return UV_ENOTCONN;
    case WSAENOTSOCK:
      return UV_ENOTSOCK;
    case WSAEOPNOTSUPP:
      return UV_ENOTSUP;
    case WSAEPFNOSUPPORT:
      return UV_EAFNOSUPPORT;
    case WSAEPROTONOSUPPORT:
      return UV_EPROTONOSUPPORT;
    case WSAEPROTOTYPE:
      return UV_EPROTOTYPE;
    case WSAESHUTDOWN:
      return UV_EPIPE;
    case WSAESOCKTNOSUPPORT:
      return UV_ESOCKTNOSUPPORT;
    case WSAETIMEDOUT:
      return UV_ETIMEDOUT;
    case WSAEWOULDBLOCK:
      return UV_EAGAIN;
    case WSA_NOT_ENOUGH_MEMORY:
      return UV_ENOMEM;
    default:
      return UV_UNKNOWN;
  }
}

int LastError() { return TranslateError(WSAGetLastError()); }

int Result(int result) { return result == SOCKET_ERROR ? LastError() : 0; }

}  // namespace

const size_t kTimeoutSize = sizeof(DWORD);
const size_t kLingerSize = sizeof(linger);

int Startup() {
  // Counted by Winsock: as many WSAStartup as there are environments, and none undone, because
  // Node itself uses sockets to the end of the process.
  WSADATA data;
  const int error = WSAStartup(MAKEWORD(2, 2), &data);
  return error == 0 ? 0 : TranslateError(error);
}

Descriptor OpenSocket(int family, int type, int protocol) {
  // Overlapped, as libuv's I/O completion port needs, and not inheritable by child processes.
  const SOCKET handle = WSASocketW(family, type, protocol, nullptr, 0,
                                   WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  return handle == INVALID_SOCKET ? LastError() : static_cast<Descriptor>(handle);
}

int CloseSocket(Descriptor descriptor) { return Result(closesocket(Handle(descriptor))); }

int BindSocket(Descriptor descriptor, const SocketAddress& address) {
  return Result(bind(Handle(descriptor), reinterpret_cast<const sockaddr*>(&address.storage),
                     address.length));
}

int ListenSocket(Descriptor descriptor, int backlog) {
  return Result(listen(Handle(descriptor), backlog));
}

int ConnectSocket(Descriptor descriptor, const SocketAddress& address) {
  return Result(connect(Handle(descriptor), reinterpret_cast<const sockaddr*>(&address.storage),
                        address.length));
}

Descriptor AcceptSocket(Descriptor descriptor) {
  // Takes the listener's flags over (accept function, "Remarks"): not inheritable.
  const SOCKET handle = accept(Handle(descriptor), nullptr, nullptr);
  return handle == INVALID_SOCKET ? LastError() : static_cast<Descriptor>(handle);
}

Descriptor DuplicateSocket(Descriptor descriptor) {
  WSAPROTOCOL_INFOW info;
  if (WSADuplicateSocketW(Handle(descriptor), GetCurrentProcessId(), &info) == SOCKET_ERROR) {
    return LastError();
  }
  const SOCKET handle = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
                                   &info, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  return handle == INVALID_SOCKET ? LastError() : static_cast<Descriptor>(handle);
}

int LocalAddress(Descriptor descriptor, SocketAddress* address) {
  *address = {};
  address->length = sizeof(address->storage);
  return Result(getsockname(Handle(descriptor), reinterpret_cast<sockaddr*>(&address->storage),
                            &address->length));
}

int PeerAddress(Descriptor descriptor, SocketAddress* address) {
  *address = {};
  address->length = sizeof(address->storage);
  return Result(getpeername(Handle(descriptor), reinterpret_cast<sockaddr*>(&address->storage),
                            &address->length));
}

int DescribeSocket(Descriptor descriptor, SocketKind* kind) {
  WSAPROTOCOL_INFOW info;
  size_t length = sizeof(info);
  const int error = GetOption(descriptor, SOL_SOCKET, SO_PROTOCOL_INFOW, &info, &length);
  if (error != 0) return error;
  kind->family = info.iAddressFamily;
  kind->type = info.iSocketType;
  kind->protocol = info.iProtocol;
  return 0;
}

int GetOption(Descriptor descriptor, int level, int name, void* value, size_t* length) {
  int written = static_cast<int>(*length);
  if (getsockopt(Handle(descriptor), level, name, static_cast<char*>(value), &written) ==
      SOCKET_ERROR)
    return LastError();
  if (static_cast<size_t>(written) < *length) *length = static_cast<size_t>(written);
  return 0;
}

int SetOption(Descriptor descriptor, int level, int name, const void* value, size_t length) {
  return Result(setsockopt(Handle(descriptor), level, name, static_cast<const char*>(value),
                           static_cast<int>(length)));
}

int ParsePath(const std::string& path, SocketAddress* address) {
  sockaddr_un* unix_address = reinterpret_cast<sockaddr_un*>(&address->storage);
  if (path.size() >= sizeof(unix_address->sun_path)) return UV_ENAMETOOLONG;
  *address = {};
  unix_address->sun_family = AF_UNIX;
  memcpy(unix_address->sun_path, path.data(), path.size());
  // Windows wants the whole structure (afunix_hdr documentation: "AF_UNIX comes to Windows").
  address->length = sizeof(*unix_address);
  return 0;
}

std::string FormatPath(const SocketAddress& address) {
  const sockaddr_un* unix_address = reinterpret_cast<const sockaddr_un*>(&address.storage);
  return std::string(unix_address->sun_path,
                     strnlen(unix_address->sun_path, sizeof(unix_address->sun_path)));
}

// Windows writes zones as interface numbers, and so does Node there (uv_if_indextoiid).
uint32_t ParseZone(const char* zone) { return static_cast<uint32_t>(strtoul(zone, nullptr, 10)); }

std::string FormatZone(uint32_t index) { return std::to_string(index); }

}  // namespace bindport
