/** Values that must be refused, each with what the error must say of it. */
export interface BadValue {
  value: unknown;
  /** As it must stand in the message. */
  shown: string;
  code: 'ERR_INVALID_ARG_TYPE' | 'ERR_OUT_OF_RANGE';
}

const wrongType = (value: unknown, shown: string): BadValue => ({
  value,
  shown,
  code: 'ERR_INVALID_ARG_TYPE',
});

const outOfRange = (value: number): BadValue => ({
  value,
  shown: String(value),
  code: 'ERR_OUT_OF_RANGE',
});

const missing = wrongType(undefined, 'undefined');

/** What is no number at all. */
const nonNumbers = [
  wrongType(null, 'null'),
  wrongType('3', "type string ('3')"),
  wrongType(1n, 'type bigint (1n)'),
  wrongType({}, 'an instance of Object'),
  wrongType([3], 'an instance of Array'),
  wrongType(Object.create(null), '[Object: null prototype]'),
  wrongType(Symbol('s'), 'type symbol (Symbol(s))'),
  wrongType(function three() {}, 'function three'),
  wrongType('x'.repeat(99), `type string ('${'x'.repeat(24)}...)`),
];

const nonIntegers = [Number.NaN, Infinity, -Infinity, 1.5].map(outOfRange);

/** What a parameter of `min` to `max` must refuse; a required one refuses undefined too. */
export function badIntegers(min: number, max: number, required: 'required' | 'optional') {
  return [
    ...(required === 'required' ? [missing] : []),
    wrongType(true, 'type boolean (true)'),
    ...nonNumbers,
    ...nonIntegers,
    ...[min - 1, max + 1, 2 ** 53].filter((n) => n < min || n > max).map(outOfRange),
  ];
}

/** Neither a number nor a boolean nor bytes. */
export const badOptionValues = [
  missing,
  ...nonNumbers,
  wrongType(new ArrayBuffer(4), 'an instance of ArrayBuffer'),
  wrongType(new Proxy(new Uint8Array(4), {}), 'an instance of Uint8Array'),
  wrongType(Object.create(Uint8Array.prototype), 'an instance of Uint8Array'),
];

/** Calls a function as JavaScript would: with any arguments at all. */
export function callUnchecked(
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
  self?: unknown,
): unknown {
  return Reflect.apply(fn, self, args);
}
