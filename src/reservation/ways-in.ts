import { answersBinds, socketsAreFiles } from '../base/platform';
import { type Strategy, tcpStrategies } from './strategies/table';

/**
 * How a program gets on a reserved port that does not set SO_REUSEADDR, and so finds a shared one in use: it is
 * `guarded`, or is given the `socket` itself.
 */
export type WayIn = 'guarded' | 'socket';

/** The ways that there are here, the one that asks least of the program first; undefined where it needs none. */
export function waysIn(strategy: Strategy): readonly WayIn[] | undefined {
  const { refusesPlainBinds, canBeGuarded } = tcpStrategies[strategy];
  if (!refusesPlainBinds) return undefined;
  return [
    ...(canBeGuarded && answersBinds ? (['guarded'] as const) : []),
    ...(socketsAreFiles ? (['socket'] as const) : []),
  ];
}
