import { ALL_HIDDEN } from '../base/visible';
import { type Paint, painter } from './style';

/** Where neither the terminal nor anything else tells. */
const USUAL_WIDTH = 80;

/** How wide a line may be, and how it is painted. */
export interface Screen {
  readonly width: number;
  readonly paint: Paint;
}

export function screen(): Screen {
  return {
    width: process.stdout.columns || USUAL_WIDTH,
    paint: painter(process.stdout, process.env),
  };
}

/**
 * What JSON has no form for: 64 bits as decimal digits, bytes as hexadecimal digits. `this` has the value
 * before Buffer's own toJSON.
 */
function plain(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const given = this[key];
  if (typeof given === 'bigint') return String(given);
  return given instanceof Uint8Array ? Buffer.from(given).toString('hex') : value;
}

/** One line of JSON; it says the same without the characters that a terminal would follow or not show. */
function jsonText(value: unknown): string {
  return JSON.stringify(value, plain).replace(ALL_HIDDEN, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

/** Prints one line of JSON. */
export function printJson(value: unknown): void {
  process.stdout.write(`${jsonText(value)}\n`);
}
