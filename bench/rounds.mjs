// Interleaved rounds: every way is timed once in each, so that what slows the machine down for a while slows all.

export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** How many times as long one way takes as another: the median of the rounds' ratios. */
export const ratio = (values, others) =>
  median(values.map((value, round) => value / others[round]));

/** Says on the terminal how far a part is; elsewhere nothing. */
export const progress = (text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
};

/**
 * The times of each way by its name, one for each round.
 *
 * @param ways by its name, a function that returns a time or promises it
 */
export async function interleaved(title, ways, rounds) {
  const names = Object.keys(ways);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    progress(`${title}: round ${round + 1} of ${rounds}`);
    // The other way round each time: who comes after whom is no advantage.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      times[name].push(await ways[name]());
    }
  }
  progress('');
  return times;
}
