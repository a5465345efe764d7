import { type ConstantName, constants } from '../../base/constants';
import { invalidArgType, invalidArgValue } from '../../base/errors';
import { int32 } from '../../base/validate';
import type { IntCodec } from './codec';

/** An int whose values have the names of constants; of two names for one number the first is read. */
export function enumeration(names: readonly ConstantName[]): IntCodec<string | number> {
  const numbers = new Map<string, number>();
  const byNumber = new Map<number, string>();
  for (const name of names) {
    const number = constants[name];
    if (number === undefined) continue;
    numbers.set(name, number);
    if (!byNumber.has(number)) byNumber.set(number, name);
  }
  return {
    int: true,
    decode: (value) => byNumber.get(value) ?? value,
    encode(value) {
      if (typeof value === 'number') return int32('value', value);
      if (typeof value !== 'string')
        throw invalidArgType('value', 'of type string or number', value);
      const number = numbers.get(value);
      if (number !== undefined) return number;
      const known = [...numbers.keys()].join(', ');
      throw invalidArgValue('value', `must be a number or one of ${known}`, value);
    },
  };
}
