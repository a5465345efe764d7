/** From what was observed of a port to causes and advice. Nothing is looked up here. */
import { bindCauses, redirectedCauses } from './bind-rules';
import { connectionCauses } from './connection-rules';
import { attemptAt, type PortFacts, place, worksWith } from './facts';
import type { HolderFacts } from './holders';
import type { PortCause } from './report';
import { elsewhereCause, serverCauses } from './server-rules';

function isServer({ socket: { state, protocol } }: HolderFacts): boolean {
  return state === 'LISTEN' || state === 'BOUND' || (protocol === 'udp' && state !== 'ESTABLISHED');
}

/** Whether every bind that was asked about works without options. */
export function isFree(facts: PortFacts): boolean {
  return facts.asked.length > 0 && worksWith(facts);
}

function freeCause({ host, port, asked }: PortFacts): PortCause {
  const where =
    host === undefined
      ? `Port ${port}`
      : asked.map((address) => place(address, port)).join(' and ');
  const message = port === 0 ? 'The system has a port to choose.' : `${where} is free.`;
  return { cause: 'free', message, advice: [] };
}

/** Nothing explains it: what the bind said. */
function unexplained(facts: PortFacts): PortCause {
  const results = facts.asked.map((host) => attemptAt(facts, host)?.result);
  return {
    cause: 'hidden',
    message: `The bind fails (${results.join(', ')}), and nothing that is seen here explains it.`,
    advice: [],
  };
}

/** The causes, the most important first. */
export function causesOf(facts: PortFacts): PortCause[] {
  const servers = facts.holders.filter(isServer);
  const others = facts.holders.filter((holder) => !isServer(holder));
  const listeners = servers.filter(({ socket }) => socket.state !== 'BOUND');
  const causes = [
    ...bindCauses(facts),
    ...servers.flatMap((holder) => serverCauses(holder, facts)),
    ...connectionCauses(others, facts),
    ...elsewhereCause(listeners, facts),
    ...redirectedCauses(facts),
  ];
  if (isFree(facts)) return [...causes, freeCause(facts)];
  return causes.length > 0 ? causes : [unexplained(facts)];
}

/** The advice of all causes, each once, and what always helps. */
export function adviceOf(causes: readonly PortCause[], free: boolean): string[] {
  const advice = causes.flatMap((cause) => cause.advice);
  const held = causes.some(({ address, cause }) => address !== undefined && cause !== 'elsewhere');
  if (!free && held) advice.push('Or take another port: `bindport find` names one that is free.');
  return [...new Set(advice)];
}
