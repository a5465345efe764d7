import { createRequire } from 'node:module';
import * as bindport from '../../src/index';
import type * as RoundTrips from '../fixtures/serving/round-trips.cjs';
import { reportOf } from './child';

const load = createRequire(__filename);

/** Loaded as Node loads it: the same file runs in threads and processes of its own. */
export const roundTrips: typeof RoundTrips = load('../fixtures/serving/round-trips.cjs');

type Run = (name: 'roundTrip' | 'unixDomain', ...args: [string?, boolean?]) => Promise<unknown>;

function elsewhere(place: 'worker' | 'cluster'): Run {
  return (name, ...args) =>
    reportOf('serving/round-trip-elsewhere.cjs', { args: [place, name, JSON.stringify(args)] });
}

/** The three places where a server can run. */
export const places: { place: string; run: Run }[] = [
  {
    place: 'the main thread',
    run: (name, protocol, reuseAddr) =>
      name === 'unixDomain'
        ? roundTrips.unixDomain(bindport)
        : roundTrips.roundTrip(bindport, protocol ?? '', reuseAddr),
  },
  { place: 'a worker thread', run: elsewhere('worker') },
  { place: 'a cluster worker', run: elsewhere('cluster') },
];
