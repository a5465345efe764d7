// What workers/reserve.c does, by reservePort. Arguments: how many to hold at each point; or `batch`: how many at once.
import { once } from 'node:events';
import { reservePort, reservePorts } from '../../dist/index.js';

const [first, ...others] = process.argv.slice(2);
const held = [];
const now = () => process.hrtime.bigint();

/** The shortest of some runs, since each is one call. */
function batch(count) {
  let best;
  for (let run = 0; run < 9; run++) {
    const start = now();
    const reservations = reservePorts(count);
    const took = now() - start;
    for (const reservation of reservations) reservation.release();
    if (best === undefined || took < best) best = took;
  }
  return best;
}

if (first === 'batch') console.log(String(batch(Number(others[0]))));
else {
  for (const point of [first, ...others].map(Number)) {
    const start = now();
    while (held.length < point) held.push(reservePort());
    console.log(String(now() - start));
  }
}
await once(process.stdin.resume(), 'end');
for (const reservation of held) reservation.release();
