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

#include "error_win.h"
#include "socket.h"

namespace bindport {

// Winsock answers with its own errors and, for overlapped or handle-based calls, with the system's.
// The first part is libuv's uv_translate_sys_error (src/win/error.c) without the errors of files,
// disks and pipes, so that a failing call here and in Node carries the same code.
int TranslateError(int error) {
  switch (error) {
    case WSAEACCES:
      return UV_EACCES;
    case ERROR_ADDRESS_ALREADY_ASSOCIATED:
    case WSAEADDRINUSE:
      return UV_EADDRINUSE;
    case WSAEADDRNOTAVAIL:
      return UV_EADDRNOTAVAIL;
    case WSAEAFNOSUPPORT:
      return UV_EAFNOSUPPORT;
    case WSAEWOULDBLOCK:
      return UV_EAGAIN;
    case WSAEALREADY:
      return UV_EALREADY;
    case ERROR_INVALID_FLAGS:
    case ERROR_INVALID_HANDLE:
      return UV_EBADF;
    case ERROR_OPERATION_ABORTED:
    case WSAEINTR:
      return UV_ECANCELED;
    case ERROR_CONNECTION_ABORTED:
    case WSAECONNABORTED:
      return UV_ECONNABORTED;
    case ERROR_CONNECTION_REFUSED:
    case WSAECONNREFUSED:
      return UV_ECONNREFUSED;
    case ERROR_NETNAME_DELETED:
    case WSAECONNRESET:
      return UV_ECONNRESET;
    case ERROR_ALREADY_EXISTS:
      return UV_EEXIST;
    case ERROR_NOACCESS:
    case WSAEFAULT:
      return UV_EFAULT;
    case ERROR_HOST_UNREACHABLE:
    case WSAEHOSTUNREACH:
      return UV_EHOSTUNREACH;
    case ERROR_INSUFFICIENT_BUFFER:
    case ERROR_INVALID_DATA:
      return UV_EINVAL;
    case ERROR_INVALID_PARAMETER:
    case WSAEINVAL:
    case WSAEPFNOSUPPORT:
      return UV_EINVAL;
    case ERROR_GEN_FAILURE:
    case ERROR_IO_DEVICE:
      return UV_EIO;
    case WSAEISCONN:
      return UV_EISCONN;
    case ERROR_TOO_MANY_OPEN_FILES:
    case WSAEMFILE:
      return UV_EMFILE;
    case WSAEMSGSIZE:
      return UV_EMSGSIZE;
    case ERROR_BUFFER_OVERFLOW:
    case ERROR_FILENAME_EXCED_RANGE:
      return UV_ENAMETOOLONG;
    case ERROR_NETWORK_UNREACHABLE:
    case WSAENETUNREACH:
      return UV_ENETUNREACH;
    case WSAENOBUFS:
      return UV_ENOBUFS;
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
      return UV_ENOENT;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
      return UV_ENOMEM;
    case ERROR_NOT_CONNECTED:
    case WSAENOTCONN:
      return UV_ENOTCONN;
    case WSAENOTSOCK:
      return UV_ENOTSOCK;
    case ERROR_NOT_SUPPORTED:
      return UV_ENOTSUP;
    case ERROR_ACCESS_DENIED:
    case ERROR_PRIVILEGE_NOT_HELD:
      return UV_EPERM;
    case WSAESHUTDOWN:
      return UV_EPIPE;
    case WSAEPROTONOSUPPORT:
      return UV_EPROTONOSUPPORT;
    case ERROR_SEM_TIMEOUT:
    case WSAETIMEDOUT:
      return UV_ETIMEDOUT;
    case WSAESOCKTNOSUPPORT:
      return UV_ESOCKTNOSUPPORT;

    // libuv makes UNKNOWN of these; socket options and WSAStartup give them.
    case WSAEBADF:
      return UV_EBADF;
    case WSAEDESTADDRREQ:
      return UV_EDESTADDRREQ;
    case WSAENAMETOOLONG:
      return UV_ENAMETOOLONG;
    case WSAENETDOWN:
      return UV_ENETDOWN;
    case WSAENOPROTOOPT:
      return UV_ENOPROTOOPT;
    case WSAEOPNOTSUPP:
      return UV_ENOTSUP;
    case WSAEPROTOTYPE:
      return UV_EPROTOTYPE;
    case WSASYSNOTREADY:
      return UV_ENETDOWN;
    case WSAEPROCLIM:
      return UV_EMFILE;
    default:
      return UV_UNKNOWN;
  }
}

namespace {

// INVALID_SOCKET, which calls refuse with WSAENOTSOCK, for a number that a 32-bit program's SOCKET
// can't hold: truncated, it could be another socket's.
SOCKET Handle(Descriptor descriptor) {
  const SOCKET handle = static_cast<SOCKET>(descriptor);
  return static_cast<Descriptor>(handle) == descriptor ? handle : INVALID_SOCKET;
}

int LastError() { return TranslateError(WSAGetLastError()); }

int Result(int result) { return result == SOCKET_ERROR ? LastError() : 0; }

// The result of a call that returns a new SOCKET, which is made not inheritable.
Descriptor Opened(SOCKET handle) {
  if (handle == INVALID_SOCKET) return LastError();
  // The flag of WSASocketW is not documented for sockets of another process or of accept(); libuv
  // clears it on every SOCKET that it is given (uv__tcp_set_socket).
  if (!SetHandleInformation(reinterpret_cast<HANDLE>(handle), HANDLE_FLAG_INHERIT, 0)) {
    const int error = TranslateError(static_cast<int>(GetLastError()));
    closesocket(handle);
    return error;
  }
  return static_cast<Descriptor>(handle);
}

// A function that the program exports which loaded the addon, or null: a runtime without libuv may
// have loaded it.
template <typename Function>
Function Exported(const char* name) {
  const FARPROC found = GetProcAddress(GetModuleHandleW(nullptr), name);
  return reinterpret_cast<Function>(reinterpret_cast<void*>(found));
}

struct Libuv {
  decltype(&napi_get_uv_event_loop) get_loop =
      Exported<decltype(&napi_get_uv_event_loop)>("napi_get_uv_event_loop");
  decltype(&uv_walk) walk = Exported<decltype(&uv_walk)>("uv_walk");
  decltype(&uv_handle_get_type) get_type =
      Exported<decltype(&uv_handle_get_type)>("uv_handle_get_type");
  decltype(&uv_has_ref) has_ref = Exported<decltype(&uv_has_ref)>("uv_has_ref");
  decltype(&uv_fileno) fileno = Exported<decltype(&uv_fileno)>("uv_fileno");

  bool complete() const { return get_loop && walk && get_type && has_ref && fileno; }
};

struct Walk {
  const Libuv& libuv;
  bool referenced_only;
  std::vector<Descriptor> found;
};

void Visit(uv_handle_t* handle, void* data) {
  Walk* walk = static_cast<Walk*>(data);
  const uv_handle_type type = walk->libuv.get_type(handle);
  if (type != UV_TCP && type != UV_UDP) return;
  if (walk->referenced_only && !walk->libuv.has_ref(handle)) return;
  uv_os_fd_t descriptor;
  // EBADF for a handle that has no socket yet, or none any more.
  if (walk->libuv.fileno(handle, &descriptor) != 0) return;
  walk->found.push_back(static_cast<Descriptor>(reinterpret_cast<uintptr_t>(descriptor)));
}

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
  return Opened(WSASocketW(family, type, protocol, nullptr, 0,
                           WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT));
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
  return Opened(accept(Handle(descriptor), nullptr, nullptr));
}

Descriptor DuplicateSocket(Descriptor descriptor, int) {
  std::vector<uint8_t> info;
  const int error = ExportSocket(descriptor, GetCurrentProcessId(), &info);
  return error != 0 ? error : ImportSocket(info.data(), info.size());
}

int ReplaceSocket(Descriptor, Descriptor) { return UV_ENOTSUP; }

int ExportSocket(Descriptor descriptor, uint32_t process, std::vector<uint8_t>* info) {
  info->resize(sizeof(WSAPROTOCOL_INFOW));
  return Result(WSADuplicateSocketW(Handle(descriptor), process,
                                    reinterpret_cast<WSAPROTOCOL_INFOW*>(info->data())));
}

Descriptor ImportSocket(const uint8_t* info, size_t length) {
  WSAPROTOCOL_INFOW protocol;
  if (length != sizeof(protocol)) return UV_EINVAL;
  memcpy(&protocol, info, sizeof(protocol));
  return Opened(WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &protocol, 0,
                           WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT));
}

std::vector<Descriptor> LoopSockets(napi_env env, bool referenced_only) {
  static const Libuv libuv;
  Walk walk = {libuv, referenced_only, {}};
  uv_loop_t* loop;
  if (libuv.complete() && libuv.get_loop(env, &loop) == napi_ok) libuv.walk(loop, Visit, &walk);
  return walk.found;
}

int LocalAddress(Descriptor descriptor, SocketAddress* address, socklen_t room) {
  *address = {};
  address->length = room;
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

namespace {

// _WSAIORW(IOC_VENDOR, 39) of mstcpip.h, which MinGW's lacks.
constexpr DWORD kTcpInfo = 0xD8000027;

// What other systems have as the option TCP_INFO. Its version goes in: 1 is Windows 10 1709's, and
// an older Windows refuses it.
int GetTcpInfo(SOCKET socket, void* value, size_t* length) {
  for (DWORD version = 1;; version--) {
    DWORD written = 0;
    if (WSAIoctl(socket, kTcpInfo, &version, sizeof(version), value, static_cast<DWORD>(*length),
                 &written, nullptr, nullptr) == 0) {
      *length = written;
      return 0;
    }
    if (version == 0 || WSAGetLastError() != WSAEINVAL) return LastError();
  }
}

}  // namespace

int GetOption(Descriptor descriptor, int level, int name, void* value, size_t* length) {
  if (level == IPPROTO_TCP && static_cast<DWORD>(name) == kTcpInfo) {
    return GetTcpInfo(Handle(descriptor), value, length);
  }
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
  // Windows expects the length of the whole structure (afunix_hdr documentation: "AF_UNIX comes to
  // Windows").
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
