/** Colours, as SGR sequences (ECMA-48). util.styleText came with Node 20.12 and minds NO_COLOR since 22.13. */

const SGR = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type Style = keyof typeof SGR;

/** The text with a style, or the text alone where there are no colours. */
export type Paint = (style: Style, text: string) => string;

/** What decides about colours: `process.stdout` and `process.env`. */
export interface Output {
  readonly isTTY?: boolean;
  hasColors?(): boolean;
}

/**
 * Colours only on a terminal that has some, and none where NO_COLOR is set and not empty
 * (https://no-color.org).
 */
export function painter(output: Output, env: Readonly<Record<string, string | undefined>>): Paint {
  const on = output.isTTY === true && !env.NO_COLOR && output.hasColors?.() !== false;
  if (!on) return (_, text) => text;
  return (style, text) => {
    if (text === '') return '';
    const [start, end] = SGR[style];
    return `\u001b[${start}m${text}\u001b[${end}m`;
  };
}
