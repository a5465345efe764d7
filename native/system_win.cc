// Windows: the tables of the IP helper, and what a process tells everybody.
// clang-format off
#include <winsock2.h>
#include <ws2tcpip.h>
#include <iphlpapi.h>
#include <tlhelp32.h>
// clang-format on

#include <cstring>

#include "error_win.h"
#include "system.h"

namespace bindport {

namespace {

class ScopedHandle {
 public:
  explicit ScopedHandle(HANDLE handle) : handle_(handle) {}
  ScopedHandle(const ScopedHandle&) = delete;
  ScopedHandle& operator=(const ScopedHandle&) = delete;
  ~ScopedHandle() {
    if (open()) CloseHandle(handle_);
  }

  bool open() const { return handle_ != nullptr && handle_ != INVALID_HANDLE_VALUE; }
  HANDLE get() const { return handle_; }

 private:
  HANDLE handle_;
};

HANDLE OpenForQuery(uint32_t process) {
  return OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, process);
}

// Of an OpenProcess that failed; it calls an unknown number an invalid parameter.
int OpenError() {
  const DWORD error = GetLastError();
  return error == ERROR_INVALID_PARAMETER ? UV_ESRCH : TranslateError(static_cast<int>(error));
}

// A process that has ended can be opened while anybody has a handle of it. One that may not be
// opened is running.
bool IsRunning(uint32_t process) {
  const ScopedHandle handle(OpenForQuery(process));
  if (!handle.open()) return OpenError() != UV_ESRCH;
  DWORD status = 0;
  return !GetExitCodeProcess(handle.get(), &status) || status == STILL_ACTIVE;
}

// MIB_TCP_STATE, documented at MIB_TCPROW_OWNER_PID.
const char* TcpState(DWORD state) {
  static const char* const kStates[] = {nullptr,      "CLOSED",      "LISTEN",    "SYN_SENT",
                                        "SYN_RECV",   "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2",
                                        "CLOSE_WAIT", "CLOSING",     "LAST_ACK",  "TIME_WAIT"};
  return state < sizeof(kStates) / sizeof(*kStates) ? kStates[state] : nullptr;
}

// The rows hold a port in the low 16 bits, in network order.
Endpoint Ipv4(DWORD address, DWORD port) {
  SocketAddress result = {};
  sockaddr_in* ipv4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  ipv4->sin_family = AF_INET;
  ipv4->sin_addr.s_addr = address;
  ipv4->sin_port = static_cast<USHORT>(port);
  result.length = sizeof(*ipv4);
  Endpoint endpoint = {};
  FormatEndpoint(result, &endpoint);
  return endpoint;
}

Endpoint Ipv6(const UCHAR* address, DWORD scope, DWORD port) {
  SocketAddress result = {};
  sockaddr_in6* ipv6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  ipv6->sin6_family = AF_INET6;
  memcpy(&ipv6->sin6_addr, address, sizeof(ipv6->sin6_addr));
  ipv6->sin6_scope_id = scope;
  ipv6->sin6_port = static_cast<USHORT>(port);
  result.length = sizeof(*ipv6);
  Endpoint endpoint = {};
  FormatEndpoint(result, &endpoint);
  return endpoint;
}

Endpoint Local(const MIB_TCPROW_OWNER_PID& row) { return Ipv4(row.dwLocalAddr, row.dwLocalPort); }
Endpoint Local(const MIB_UDPROW_OWNER_PID& row) { return Ipv4(row.dwLocalAddr, row.dwLocalPort); }
Endpoint Local(const MIB_TCP6ROW_OWNER_PID& row) {
  return Ipv6(row.ucLocalAddr, row.dwLocalScopeId, row.dwLocalPort);
}
Endpoint Local(const MIB_UDP6ROW_OWNER_PID& row) {
  return Ipv6(row.ucLocalAddr, row.dwLocalScopeId, row.dwLocalPort);
}

Endpoint Remote(const MIB_TCPROW_OWNER_PID& row) {
  return Ipv4(row.dwRemoteAddr, row.dwRemotePort);
}
Endpoint Remote(const MIB_TCP6ROW_OWNER_PID& row) {
  return Ipv6(row.ucRemoteAddr, row.dwRemoteScopeId, row.dwRemotePort);
}

template <typename Row>
void SetTcp(const Row& row, SystemSocket* socket) {
  socket->type = SOCK_STREAM;
  socket->protocol = IPPROTO_TCP;
  socket->state = TcpState(row.dwState);
  if (row.dwState != MIB_TCP_STATE_LISTEN && row.dwState != MIB_TCP_STATE_CLOSED) {
    socket->remote = Remote(row);
  }
}
void Complete(const MIB_TCPROW_OWNER_PID& row, SystemSocket* socket) { SetTcp(row, socket); }
void Complete(const MIB_TCP6ROW_OWNER_PID& row, SystemSocket* socket) { SetTcp(row, socket); }

// The tables do not tell whether a UDP socket is connected.
template <typename Row>
void Complete(const Row&, SystemSocket* socket) {
  socket->type = SOCK_DGRAM;
  socket->protocol = IPPROTO_UDP;
}

// The table grows while it is asked for, so it is asked for again; a size that it never fits is no
// table any more.
constexpr int kAttempts = 10;

template <typename Table, typename Read, typename Class>
int ReadTable(Read* read, ULONG family, Class kind, int64_t process,
              std::vector<SystemSocket>* sockets) {
  std::vector<uint8_t> bytes;
  DWORD size = 0;
  DWORD error = ERROR_INSUFFICIENT_BUFFER;
  for (int i = 0; i < kAttempts && error == ERROR_INSUFFICIENT_BUFFER; i++) {
    bytes.resize(size);
    error = read(bytes.empty() ? nullptr : bytes.data(), &size, FALSE, family, kind, 0);
  }
  if (error != NO_ERROR) return TranslateError(static_cast<int>(error));
  if (bytes.size() < sizeof(Table)) return 0;
  const Table* table = reinterpret_cast<const Table*>(bytes.data());
  for (DWORD i = 0; i < table->dwNumEntries; i++) {
    const auto& row = table->table[i];
    if (process >= 0 && row.dwOwningPid != static_cast<DWORD>(process)) continue;
    SystemSocket socket;
    socket.family = static_cast<int>(family);
    socket.local = Local(row);
    Complete(row, &socket);
    // Sockets that no process has any more are 0's, the idle process'.
    if (row.dwOwningPid != 0) socket.process = row.dwOwningPid;
    sockets->push_back(socket);
  }
  return 0;
}

std::string Utf8(const wchar_t* text, int length) {
  const int size = WideCharToMultiByte(CP_UTF8, 0, text, length, nullptr, 0, nullptr, nullptr);
  std::string result(size > 0 ? static_cast<size_t>(size) : 0, '\0');
  if (size > 0) WideCharToMultiByte(CP_UTF8, 0, text, length, &result[0], size, nullptr, nullptr);
  return result;
}

// Everybody may list the names of all processes, also of those that can't be opened.
bool FindName(uint32_t process, std::string* name) {
  const ScopedHandle snapshot(CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0));
  if (!snapshot.open()) return false;
  PROCESSENTRY32W entry = {};
  entry.dwSize = sizeof(entry);
  for (BOOL more = Process32FirstW(snapshot.get(), &entry); more;
       more = Process32NextW(snapshot.get(), &entry)) {
    if (entry.th32ProcessID != process) continue;
    *name = Utf8(entry.szExeFile, static_cast<int>(wcslen(entry.szExeFile)));
    return true;
  }
  return false;
}

// FILETIME counts 100 ns since 1601.
double Milliseconds(const FILETIME& time) {
  const uint64_t ticks = (static_cast<uint64_t>(time.dwHighDateTime) << 32) | time.dwLowDateTime;
  return static_cast<double>(ticks / 10000) - 11644473600000.0;
}

// The longest path that the system takes (Microsoft, "Maximum Path Length Limitation").
constexpr DWORD kLongestPath = 32768;

}  // namespace

int UnreadBytes(Descriptor descriptor) {
  u_long bytes = 0;
  if (ioctlsocket(static_cast<SOCKET>(descriptor), FIONREAD, &bytes) == SOCKET_ERROR) {
    return TranslateError(WSAGetLastError());
  }
  return bytes > INT32_MAX ? INT32_MAX : static_cast<int>(bytes);
}

int UnsentBytes(Descriptor) { return UV_ENOTSUP; }

int InspectSocketOf(uint32_t, Descriptor, uint64_t, const OptionReads&, SocketInspection*) {
  return UV_ENOTSUP;
}

int SocketDiag(const uint8_t*, size_t, size_t, std::vector<uint8_t>*) { return UV_ENOTSUP; }

int HeldSockets(uint32_t, const uint32_t*, size_t, size_t, bool, std::vector<HeldSocket>*) {
  return UV_ENOTSUP;
}

int ListSockets(int64_t process, std::vector<SystemSocket>* sockets) {
  if (process >= 0 && !IsRunning(static_cast<uint32_t>(process))) return UV_ESRCH;
  int error = ReadTable<MIB_TCPTABLE_OWNER_PID>(GetExtendedTcpTable, AF_INET,
                                                TCP_TABLE_OWNER_PID_ALL, process, sockets);
  if (error != 0) return error;
  error = ReadTable<MIB_UDPTABLE_OWNER_PID>(GetExtendedUdpTable, AF_INET, UDP_TABLE_OWNER_PID,
                                            process, sockets);
  if (error != 0) return error;
  // A system without IPv6 has no such tables.
  ReadTable<MIB_TCP6TABLE_OWNER_PID>(GetExtendedTcpTable, AF_INET6, TCP_TABLE_OWNER_PID_ALL,
                                     process, sockets);
  ReadTable<MIB_UDP6TABLE_OWNER_PID>(GetExtendedUdpTable, AF_INET6, UDP_TABLE_OWNER_PID, process,
                                     sockets);
  return 0;
}

int DescribeProcess(uint32_t process, SystemProcess* description) {
  const ScopedHandle handle(OpenForQuery(process));
  if (!handle.open()) {
    const int error = OpenError();
    return FindName(process, &description->name) ? 0 : error;
  }
  std::vector<wchar_t> path(kLongestPath);
  DWORD length = kLongestPath;
  if (QueryFullProcessImageNameW(handle.get(), 0, path.data(), &length)) {
    const std::string image = Utf8(path.data(), static_cast<int>(length));
    description->command.push_back(image);
    description->name = image.substr(image.find_last_of('\\') + 1);
  } else {
    FindName(process, &description->name);
  }
  FILETIME created, exited, kernel, user;
  if (GetProcessTimes(handle.get(), &created, &exited, &kernel, &user)) {
    description->started = Milliseconds(created);
  }
  return 0;
}

}  // namespace bindport
