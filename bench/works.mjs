// What the worker programs time, and how fast it is meant to be.

/** Each work by its name in the workers. */
export const works = {
  getsockopt: 'reads an option that is an int',
  linger: 'getOption, SO_LINGER',
  milliseconds: 'getOption, SO_RCVTIMEO',
  text: 'getOption, TCP_CONGESTION',
  bigint: 'getOption, SO_MAX_PACING_RATE',
  integers: 'getOption, SO_MEMINFO',
  bytes: 'getOption, IP_OPTIONS',
  find: 'finds a free TCP port',
  bindPort: 'binds a socket to a free port',
  socket: 'opens a socket and closes it',
  reserve: 'reserves a TCP port on every address, and releases it',
  localhost: 'the same on 127.0.0.1 and ::1',
  udp: 'the same of a UDP port',
  serve: 'until a server listens',
  inspect: 'all options of a listener',
  findSockets: "a port's listeners among 10,000 sockets",
};

/** Where the time goes beyond the system calls, as `node --cpu-prof` and a C program that makes the calls show. */
const why = {
  find: 'six calls into the addon, each of which takes what the floor takes beyond C: half of the difference',
  socket:
    'two calls into the addon, and the FinalizationRegistry that closes a forgotten handle (close 40 %, socket 38 %, constructor 11 %, garbage 4 %)',
  reserve:
    'a call into the addon for each system call, and the FinalizationRegistry (close 21 %, socket 16 %, getsockname 13 %, bind 12 %, setsockopt 9 %, garbage 6 %)',
  adopt:
    "beyond listen: CPython's two getsockopt and getsockname; getsockname, SO_TYPE, FIONBIO and a first listen, after which a failure leaves the socket its owner's; a promise",
  listen:
    "its system calls take 26 µs in C, where listen's take 7: SO_REUSEPORT lets the server in, on two sockets, and a decoy has the kernel forget it",
};

/** `way` of `work` is to take at most `most` times as long as `to`; `why`: what keeps it from that. */
export const goals = [
  { title: 'getsockopt', work: 'getsockopt', way: 'getsockopt', to: 'floor', most: 1.12 },
  {
    title: 'getOption(handle)',
    work: 'getsockopt',
    way: 'getOption(handle)',
    to: 'floor',
    most: 1.2,
  },
  {
    title: 'getOption(net.Server)',
    work: 'getsockopt',
    way: 'getOption(server)',
    to: 'C',
    most: 1.9,
  },
  ...['linger', 'milliseconds', 'text', 'bigint', 'integers', 'bytes'].map((work) => ({
    title: works[work],
    work,
    way: 'bindport',
    to: 'C',
    most: 2.2,
  })),
  { title: 'findUnusedPort', work: 'find', way: 'bindport', to: 'C', most: 1.15, why: why.find },
  { title: 'bindPort', work: 'bindPort', way: 'bindport', to: 'C', most: 1.3 },
  {
    title: 'new SocketHandle, close',
    work: 'socket',
    way: 'bindport',
    to: 'C',
    most: 1.2,
    why: why.socket,
  },
  {
    title: 'reservePort, release',
    work: 'reserve',
    way: 'bindport',
    to: 'C',
    most: 1.4,
    why: why.reserve,
  },
  {
    title: '… localhost',
    work: 'localhost',
    way: 'bindport',
    to: 'C',
    most: 1.4,
    why: why.reserve,
  },
  { title: '… UDP', work: 'udp', way: 'bindport', to: 'C', most: 1.4 },
  {
    title: 'bindPort, adopt',
    work: 'serve',
    way: 'bindPort, adopt',
    to: 'listen(0)',
    most: 1.5,
    why: why.adopt,
  },
  {
    title: 'reservation.listen',
    work: 'serve',
    way: 'reservation.listen',
    to: 'listen(0)',
    most: 2,
    why: why.listen,
  },
  { title: 'inspectSocket', work: 'inspect', way: 'bindport', to: 'C', most: 1.5 },
];
