/** How many letters are to be put in, left out or replaced to make one word of the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j++) {
      const replaced = (row[j] ?? 0) + (letter === other[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The word that was probably meant; undefined when none is as near as two letters, and nearer than its half. */
export function nearest(given: string, words: Iterable<string>): string | undefined {
  // No word of ours is longer, and the time grows with the length.
  if (given.length > 20) return undefined;
  let best: string | undefined;
  let least = 3;
  for (const word of words) {
    const letters = distance(given, word);
    if (letters >= least || letters * 2 >= word.length) continue;
    best = word;
    least = letters;
  }
  return best;
}
