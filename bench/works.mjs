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

/** `way` of `work` is to take at most `most` times as long as `to`. */
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
  { title: 'findUnusedPort', work: 'find', way: 'bindport', to: 'C', most: 1.15 },
  { title: 'bindPort', work: 'bindPort', way: 'bindport', to: 'C', most: 1.3 },
  { title: 'new SocketHandle, close', work: 'socket', way: 'bindport', to: 'C', most: 1.2 },
  { title: 'reservePort, release', work: 'reserve', way: 'bindport', to: 'C', most: 1.4 },
  { title: '… localhost', work: 'localhost', way: 'bindport', to: 'C', most: 1.4 },
  { title: '… UDP', work: 'udp', way: 'bindport', to: 'C', most: 1.4 },
  { title: 'bindPort, adopt', work: 'serve', way: 'adopt', to: 'listen(0)', most: 1.5 },
  {
    title: 'reservation.listen',
    work: 'serve',
    way: 'reservation.listen',
    to: 'listen(0)',
    most: 2,
  },
  { title: 'inspectSocket', work: 'inspect', way: 'bindport', to: 'C', most: 1.5 },
];
