// What an inspection costs beside a C program that makes the same system calls, and how long findSockets looks for
// the listeners of one port among 10,000 sockets.
import { openCrowd } from '../crowd.mjs';
import { reached, summary, timeWorks } from './calls.mjs';

/** In milliseconds. */
const MOST_TO_FIND = 1;

export async function run(context) {
  const alone = await timeWorks('inspect', ['inspect'], context);
  const crowd = openCrowd();
  const crowded = await timeWorks('findSockets', ['findSockets'], context);
  crowd.close();
  const times = [...summary(alone), ...summary(crowded)];
  const found = times
    .filter(({ work }) => work === 'findSockets')
    .map(({ runtime, ns }) => [runtime, ns / 1e6]);
  const finding = {
    title: "findSockets, a port's listeners among 10,000",
    most: MOST_TO_FIND,
    unit: 'ms',
    values: Object.fromEntries(found),
  };
  return { times, goals: [...reached(alone), finding] };
}
