// macOS: libproc (libproc.h, sys/proc_info.h), sysctl(3). Compiled for it, never run on it: read
// against lsof's Darwin part and XNU's bsd/kern/socket_info.c.
#include <errno.h>
#include <libproc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/proc_info.h>
#include <sys/socket.h>
#include <sys/sysctl.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "system.h"

namespace bindport {

namespace {

// The numbers are TSI_S_*; the kernel shows a TCP socket that is only bound as closed.
const char* TcpState(int state, int port) {
  static const char* const kStates[] = {"CLOSED",      "LISTEN",     "SYN_SENT",  "SYN_RECV",
                                        "ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT1", "CLOSING",
                                        "LAST_ACK",    "FIN_WAIT2",  "TIME_WAIT"};
  if (state == TSI_S_CLOSED && port != 0) return "BOUND";
  return state >= 0 && state <= TSI_S_TIME_WAIT ? kStates[state] : nullptr;
}

int ReadSocket(int process, int descriptor, socket_fdinfo* info) {
  errno = 0;
  const int size = proc_pidfdinfo(process, descriptor, PROC_PIDFDSOCKETINFO, info, sizeof(*info));
  if (size >= static_cast<int>(sizeof(*info))) return 0;
  return errno != 0 ? -errno : UV_ENOTSOCK;
}

// Ports are in network order in the low 16 bits.
SocketAddress Ipv4Address(const in_addr& address, int port) {
  SocketAddress result = {};
  sockaddr_in* ipv4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  ipv4->sin_len = sizeof(*ipv4);
  ipv4->sin_family = AF_INET;
  ipv4->sin_addr = address;
  ipv4->sin_port = static_cast<in_port_t>(port);
  result.length = sizeof(*ipv4);
  return result;
}

SocketAddress Ipv6Address(in6_addr address, int port) {
  SocketAddress result = {};
  sockaddr_in6* ipv6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  ipv6->sin6_len = sizeof(*ipv6);
  ipv6->sin6_family = AF_INET6;
  if (IN6_IS_ADDR_LINKLOCAL(&address)) {
    // The kernel keeps the interface in the second 16 bits (in6_embedscope).
    ipv6->sin6_scope_id = static_cast<uint32_t>(address.s6_addr[2] << 8 | address.s6_addr[3]);
    address.s6_addr[2] = address.s6_addr[3] = 0;
  }
  ipv6->sin6_addr = address;
  ipv6->sin6_port = static_cast<in_port_t>(port);
  result.length = sizeof(*ipv6);
  return result;
}

template <typename Address>
SocketAddress IpAddress(const socket_info& socket, const Address& address, int port) {
  if (socket.soi_family == AF_INET) return Ipv4Address(address.ina_46.i46a_addr4, port);
  in6_addr ipv6 = address.ina_6;
  // An IPv6 socket that speaks IPv4: the kernel leaves the ::ffff: out.
  if ((socket.soi_proto.pri_in.insi_vflag & INI_IPV6) == 0)
    ipv6.s6_addr[10] = ipv6.s6_addr[11] = 0xff;
  return Ipv6Address(ipv6, port);
}

SocketAddress UnixAddress(const sockaddr_un& address) {
  SocketAddress result = {};
  const size_t length = std::min<size_t>(address.sun_len, sizeof(address));
  memcpy(&result.storage, &address, length);
  result.storage.ss_family = AF_UNIX;
  result.length = static_cast<socklen_t>(length);
  return result;
}

struct Ends {
  bool known;
  bool connected;
  SocketAddress local;
  SocketAddress remote;
};

// tcp_sockinfo starts with an in_sockinfo, so pri_in is right for both.
Ends EndsOf(const socket_info& socket) {
  Ends ends = {};
  if (socket.soi_kind == SOCKINFO_IN || socket.soi_kind == SOCKINFO_TCP) {
    const in_sockinfo& in = socket.soi_proto.pri_in;
    ends.known = true;
    ends.connected = in.insi_fport != 0;
    ends.local = IpAddress(socket, in.insi_laddr, in.insi_lport);
    ends.remote = IpAddress(socket, in.insi_faddr, in.insi_fport);
  } else if (socket.soi_kind == SOCKINFO_UN) {
    const un_sockinfo& un = socket.soi_proto.pri_un;
    ends.known = true;
    ends.connected = un.unsi_conn_pcb != 0;
    ends.local = UnixAddress(un.unsi_addr.ua_sun);
    ends.remote = UnixAddress(un.unsi_caddr.ua_sun);
  }
  return ends;
}

bool Listens(const socket_info& socket) { return (socket.soi_options & SO_ACCEPTCONN) != 0; }

const char* StateOf(const socket_info& socket, bool connected) {
  if (socket.soi_kind == SOCKINFO_TCP) {
    return TcpState(socket.soi_proto.pri_tcp.tcpsi_state, socket.soi_proto.pri_in.insi_lport);
  }
  if (Listens(socket)) return "LISTEN";
  return connected ? "ESTABLISHED" : "UNCONNECTED";
}

void AddSocket(int process, int descriptor, std::vector<SystemSocket>* sockets) {
  socket_fdinfo info = {};
  // It may be closed by now.
  if (ReadSocket(process, descriptor, &info) != 0) return;
  const socket_info& from = info.psi;
  const Ends ends = EndsOf(from);
  if (!ends.known) return;
  SystemSocket socket;
  socket.family = from.soi_family;
  socket.type = from.soi_type;
  socket.protocol = from.soi_protocol;
  socket.state = StateOf(from, ends.connected);
  FormatEndpoint(ends.local, &socket.local);
  if (ends.connected) FormatEndpoint(ends.remote, &socket.remote);
  socket.process = process;
  socket.descriptor = descriptor;
  socket.id = from.soi_so;
  if (Listens(from)) {
    socket.queue = from.soi_qlen;
    socket.backlog = from.soi_qlimit;
  } else {
    socket.unread = from.soi_rcv.sbi_cc;
    socket.unsent = from.soi_snd.sbi_cc;
  }
  sockets->push_back(socket);
}

// 0, or the error of a process that may not be looked at or is not there.
int AddSockets(int process, std::vector<SystemSocket>* sockets) {
  errno = 0;
  const int size = proc_pidinfo(process, PROC_PIDLISTFDS, 0, nullptr, 0);
  if (size <= 0) return -errno;
  std::vector<proc_fdinfo> descriptors(static_cast<size_t>(size) / sizeof(proc_fdinfo));
  const int filled = proc_pidinfo(process, PROC_PIDLISTFDS, 0, descriptors.data(),
                                  static_cast<int>(descriptors.size() * sizeof(proc_fdinfo)));
  if (filled <= 0) return -errno;
  descriptors.resize(static_cast<size_t>(filled) / sizeof(proc_fdinfo));
  for (const proc_fdinfo& each : descriptors) {
    if (each.proc_fdtype == PROX_FDTYPE_SOCKET) AddSocket(process, each.proc_fd, sockets);
  }
  return 0;
}

// The value of an option as far as socket_info has it, as getsockopt() writes it: a set option of
// the first 16 bits as its bit (sogetoptlock). Returns its size, or UV_ENOTSUP.
int OptionValue(const socket_info& socket, const OptionRead& option, void* value) {
  const int options = static_cast<uint16_t>(socket.soi_options);
  int number;
  if (option.level == SOL_SOCKET) {
    switch (option.name) {
      case SO_DEBUG:
      case SO_ACCEPTCONN:
      case SO_REUSEADDR:
      case SO_KEEPALIVE:
      case SO_DONTROUTE:
      case SO_BROADCAST:
      case SO_USELOOPBACK:
      case SO_OOBINLINE:
      case SO_REUSEPORT:
      case SO_TIMESTAMP:
        number = options & option.name;
        break;
      case SO_LINGER:
      case SO_LINGER_SEC: {
        linger lingering;
        lingering.l_onoff = options & SO_LINGER;
        // The kernel keeps ticks, 100 a second.
        lingering.l_linger = option.name == SO_LINGER ? socket.soi_linger : socket.soi_linger / 100;
        memcpy(value, &lingering, sizeof(lingering));
        return sizeof(lingering);
      }
      case SO_TYPE:
        number = socket.soi_type;
        break;
      case SO_RCVBUF:
        number = static_cast<int>(socket.soi_rcv.sbi_hiwat);
        break;
      case SO_SNDBUF:
        number = static_cast<int>(socket.soi_snd.sbi_hiwat);
        break;
      case SO_RCVLOWAT:
        number = static_cast<int>(socket.soi_rcv.sbi_lowat);
        break;
      case SO_SNDLOWAT:
        number = static_cast<int>(socket.soi_snd.sbi_lowat);
        break;
      default:
        return UV_ENOTSUP;
    }
  } else if (option.level == IPPROTO_IP && option.name == IP_TTL && socket.soi_family == AF_INET) {
    number = socket.soi_proto.pri_in.insi_ip_ttl;
  } else if (option.level == IPPROTO_IP && option.name == IP_TOS && socket.soi_family == AF_INET) {
    number = socket.soi_proto.pri_in.insi_v4.in4_tos;
  } else if (option.level == IPPROTO_TCP && option.name == TCP_MAXSEG &&
             socket.soi_kind == SOCKINFO_TCP) {
    number = socket.soi_proto.pri_tcp.tcpsi_mss;
  } else {
    return UV_ENOTSUP;
  }
  memcpy(value, &number, sizeof(number));
  return sizeof(number);
}

void FillOptions(const socket_info& socket, const OptionReads& reads) {
  ForEachValue(reads, [&socket](const OptionRead& option, uint8_t* place) {
    uint8_t value[sizeof(linger)];
    const int size = OptionValue(socket, option, value);
    if (size < 0) return size;
    const int written = std::min(size, option.length);
    memcpy(place, value, static_cast<size_t>(written));
    return written;
  });
}

std::string UserName(uid_t user) {
  passwd entry;
  passwd* found = nullptr;
  char room[4096];
  if (getpwuid_r(user, &entry, room, sizeof(room), &found) != 0 || found == nullptr) return {};
  return found->pw_name;
}

// KERN_PROCARGS2: the number of arguments, the program's path, NULs, the arguments with a NUL each.
std::vector<std::string> CommandLine(int process) {
  int name[] = {CTL_KERN, KERN_PROCARGS2, process};
  size_t size = 0;
  if (sysctl(name, 3, nullptr, &size, nullptr, 0) != 0) return {};
  std::vector<char> bytes(size);
  if (sysctl(name, 3, bytes.data(), &size, nullptr, 0) != 0 || size < sizeof(int)) return {};
  int count;
  memcpy(&count, bytes.data(), sizeof(count));
  const char* end = bytes.data() + size;
  const char* at = std::find(bytes.data() + sizeof(count), bytes.data() + size, '\0');
  while (at < end && *at == '\0') at++;
  std::vector<std::string> arguments;
  while (count-- > 0 && at < end) {
    const char* terminator = std::find(at, end, '\0');
    arguments.emplace_back(at, terminator);
    at = terminator < end ? terminator + 1 : end;
  }
  return arguments;
}

int GetSize(Descriptor descriptor, int name) {
  int bytes = 0;
  size_t length = sizeof(bytes);
  const int error = GetOption(descriptor, SOL_SOCKET, name, &bytes, &length);
  return error != 0 ? error : bytes;
}

}  // namespace

int UnreadBytes(Descriptor descriptor) { return GetSize(descriptor, SO_NREAD); }

int UnsentBytes(Descriptor descriptor) { return GetSize(descriptor, SO_NWRITE); }

// The cookie is the socket's address in the kernel, which SystemSocket has as its id.
int InspectSocketOf(uint32_t process, Descriptor descriptor, uint64_t cookie,
                    const OptionReads& reads, SocketInspection* inspection) {
  socket_fdinfo info = {};
  const int error = ReadSocket(static_cast<int>(process), static_cast<int>(descriptor), &info);
  if (error != 0) return error;
  const socket_info& socket = info.psi;
  if (cookie != 0 && cookie != socket.soi_so) return -ESTALE;
  const Ends ends = EndsOf(socket);
  inspection->kind = {socket.soi_family, socket.soi_type, socket.soi_protocol};
  inspection->local = ends.local;
  inspection->local_error = ends.known ? 0 : UV_ENOTSUP;
  inspection->remote = ends.remote;
  inspection->remote_error = ends.connected ? 0 : UV_ENOTCONN;
  inspection->unread = Listens(socket) ? UV_EINVAL : static_cast<int64_t>(socket.soi_rcv.sbi_cc);
  inspection->unsent = Listens(socket) ? UV_EINVAL : static_cast<int64_t>(socket.soi_snd.sbi_cc);
  FillOptions(socket, reads);
  return 0;
}

int SocketDiag(const uint8_t*, size_t, size_t, std::vector<uint8_t>*) { return UV_ENOTSUP; }

int HeldSockets(uint32_t, const uint32_t*, size_t, size_t, bool, std::vector<HeldSocket>*) {
  return UV_ENOTSUP;
}

int ListSockets(int64_t process, std::vector<SystemSocket>* sockets) {
  if (process >= 0) return AddSockets(static_cast<int>(process), sockets);
  const int size = proc_listpids(PROC_ALL_PIDS, 0, nullptr, 0);
  if (size <= 0) return -errno;
  std::vector<pid_t> processes(static_cast<size_t>(size) / sizeof(pid_t));
  const int filled = proc_listpids(PROC_ALL_PIDS, 0, processes.data(),
                                   static_cast<int>(processes.size() * sizeof(pid_t)));
  if (filled <= 0) return -errno;
  processes.resize(static_cast<size_t>(filled) / sizeof(pid_t));
  // Those of other users are EPERM, those that have ended ESRCH.
  for (const pid_t each : processes) AddSockets(each, sockets);
  return 0;
}

int DescribeProcess(uint32_t process, SystemProcess* description) {
  const int number = static_cast<int>(process);
  int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, number};
  kinfo_proc info = {};
  size_t size = sizeof(info);
  if (sysctl(name, 4, &info, &size, nullptr, 0) != 0) return -errno;
  if (size < sizeof(info)) return UV_ESRCH;
  description->name = info.kp_proc.p_comm;
  description->user = UserName(info.kp_eproc.e_ucred.cr_uid);
  const timeval& started = info.kp_proc.p_starttime;
  description->started =
      static_cast<double>(started.tv_sec) * 1000 + static_cast<double>(started.tv_usec / 1000);
  description->command = CommandLine(number);
  char path[PROC_PIDPATHINFO_MAXSIZE];
  // The arguments of other users' processes are root's to see, the path is everybody's.
  if (description->command.empty() && proc_pidpath(number, path, sizeof(path)) > 0) {
    description->command.push_back(path);
  }
  return 0;
}

}  // namespace bindport
