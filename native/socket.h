// The platform interface: one function per system call, implemented by socket_unix.cc or
// socket_win.cc, whichever binding.gyp compiles. Every function returns its result (0 where there
// is none) or a negative libuv error number; none throws, none keeps state.
#ifndef BINDPORT_SOCKET_H_
#define BINDPORT_SOCKET_H_

// uv.h only for its declarations: it brings each platform's socket headers and libuv's error
// numbers. Nothing of libuv is linked, so that the addon loads in runtimes that have none.
#include <node_api.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bindport {

// Wide enough for a Unix descriptor and for a Windows SOCKET.
using Descriptor = int64_t;

struct SocketAddress {
  sockaddr_storage storage;
  socklen_t length;
};

struct SocketKind {
  int family;
  int type;
  int protocol;
};

// Called once per environment, before any other function.
int Startup();

Descriptor OpenSocket(int family, int type, int protocol);
int CloseSocket(Descriptor descriptor);
int BindSocket(Descriptor descriptor, const SocketAddress& address);
int ListenSocket(Descriptor descriptor, int backlog);
// Both block. New descriptors are close-on-exec (Windows: not inheritable).
int ConnectSocket(Descriptor descriptor, const SocketAddress& address);
Descriptor AcceptSocket(Descriptor descriptor);
// Another descriptor of the same socket: the first free number from `lowest` on (Windows: any).
Descriptor DuplicateSocket(Descriptor descriptor, int lowest);
// Makes `to` another descriptor of `from`'s socket, which from then on blocks, or not, as `to`'s
// did. UV_ENOTSUP on Windows.
int ReplaceSocket(Descriptor from, Descriptor to);
// What another process needs to open the same socket (a WSAPROTOCOL_INFOW), and the opening.
// UV_ENOTSUP on Unix, where descriptors travel over Unix domain sockets.
int ExportSocket(Descriptor descriptor, uint32_t process, std::vector<uint8_t>* info);
Descriptor ImportSocket(const uint8_t* info, size_t length);
// The sockets of the TCP and UDP handles in the environment's libuv loop, always in one order: of
// all of them, or of those that keep the loop alive. None on Unix, whose handles show their
// descriptor, and where the program that loaded the addon has no libuv.
std::vector<Descriptor> LoopSockets(napi_env env, bool referenced_only);
// `room`: the size of the family's sockaddr, where it is known (less for the kernel to copy).
int LocalAddress(Descriptor descriptor, SocketAddress* address,
                 socklen_t room = sizeof(sockaddr_storage));
int PeerAddress(Descriptor descriptor, SocketAddress* address);
int DescribeSocket(Descriptor descriptor, SocketKind* kind);

// `length` holds the size of `value` on entry and the number of bytes written on return.
int GetOption(Descriptor descriptor, int level, int name, void* value, size_t* length);
int SetOption(Descriptor descriptor, int level, int name, const void* value, size_t length);

// Unix domain addresses, whose headers and length rules differ: a leading NUL is Linux's abstract
// namespace, an empty path the unnamed socket.
int ParsePath(const std::string& path, SocketAddress* address);
std::string FormatPath(const SocketAddress& address);

// IPv6 zones ("eth0", "2") to interface numbers and back. 0 when there is no such interface.
uint32_t ParseZone(const char* zone);
std::string FormatZone(uint32_t index);

// sizeof of what SO_RCVTIMEO takes (a timeval, or a DWORD of milliseconds) and what SO_LINGER
// takes.
extern const size_t kTimeoutSize;
extern const size_t kLingerSize;

}  // namespace bindport

#endif  // BINDPORT_SOCKET_H_
