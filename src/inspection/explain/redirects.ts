/** Whether connections of this machine to a port that nobody has would get to whoever binds it. */
import { connectAddress, HOST, HOSTv6, isIpv6, WILDCARDv6 } from '../../base/addresses';
import { constants } from '../../base/constants';
import { node } from '../../base/node-modules';
import { connectsToItself } from '../../base/platform';
import { acceptsConnections } from '../../socket/connect-probe';
import { SocketHandle } from '../../socket/socket-handle';
import type { PortFacts } from './facts';

/** How long a connection may take that only looks whether somebody answers, in milliseconds. */
const PATIENCE = 200;

/** The addresses to try: those asked about, or one of the loopback interface and one of another. */
function targetsOf({ host, asked, system }: PortFacts): string[] {
  const [address = HOST] = asked;
  if (host !== undefined) return [address === WILDCARDv6 ? HOSTv6 : connectAddress(address)];
  const outside = system.addresses.find(({ address: one, internal }) => !internal && !isIpv6(one));
  return outside === undefined ? [HOST] : [HOST, outside.address];
}

/**
 * Whether a socket on that very address and port reaches itself: both of its ends open at once (RFC 9293,
 * section 3.5). A packet filter that sends the port elsewhere, refuses or drops it keeps it from that, whether or
 * not somebody listens there. Nobody else can connect to it, and its end is a reset: no TIME_WAIT is left.
 *
 * @returns undefined where the socket can't be bound or may not connect
 */
function reachesItself(host: string, port: number): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const socket = node.net.connect({ host, port, localAddress: host, localPort: port });
    socket.setTimeout(PATIENCE, () => {
      // Where this process was busy for as long, 'connect' is still to be told of, in the loop's next phase.
      setImmediate(() => {
        resolve(false);
        socket.destroy();
      });
    });
    socket.once('connect', () => {
      resolve(true);
      socket.resetAndDestroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const refused = error.syscall === 'connect' && error.code === 'ECONNREFUSED';
      resolve(refused ? false : undefined);
    });
  });
}

/** Whether sockets on other ports reach themselves there: what a sandbox's TCP may not have. */
async function othersReachThemselves(host: string): Promise<boolean> {
  const socket = new SocketHandle(isIpv6(host) ? constants.AF_INET6 : constants.AF_INET);
  let port: number;
  try {
    socket.bind(host);
    port = socket.address().port;
  } finally {
    socket.close();
  }
  return (await reachesItself(host, port)) === true;
}

async function isAstray(host: string, port: number): Promise<boolean> {
  return (await reachesItself(host, port)) === false && (await othersReachThemselves(host));
}

/** Those of the targets for which the answer is yes. */
async function filtered(
  targets: readonly string[],
  ask: (target: string) => Promise<boolean>,
): Promise<string[]> {
  const answers = await Promise.all(targets.map(ask));
  return targets.filter((_, i) => answers[i]);
}

/**
 * Where somebody answers though nobody has the port, and where not even a socket on it is reached. Nobody can be
 * let in by it: nothing of ours listens.
 */
export async function findRedirects(
  facts: PortFacts,
): Promise<Pick<PortFacts, 'answered' | 'astray'>> {
  const { port } = facts;
  const targets = targetsOf(facts);
  const answered = await filtered(targets, (target) =>
    acceptsConnections(target, port, AbortSignal.timeout(PATIENCE)),
  );
  // A socket of ours on the port would be connected to whoever answers.
  const silent = connectsToItself ? targets.filter((target) => !answered.includes(target)) : [];
  return { answered, astray: await filtered(silent, (target) => isAstray(target, port)) };
}
