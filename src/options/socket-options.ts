import { type ConstantName, constants } from '../base/constants';
import { EINVAL, ENOPROTOOPT, ERANGE, invalidArgValue, systemError } from '../base/errors';
import { type OptionName, optionTable } from '../base/option-table';
import type { Fields, StructureValue } from '../base/option-table/fields';
import type {
  Enumeration,
  OptionAccess,
  OptionKind,
  OptionLevel,
  Row,
  SimpleKind,
  Structure,
} from '../base/option-table/row';
import { kernelAbi } from '../base/platform';
import { text } from '../base/validate';
import { codecOf, type OptionValues } from './codecs';
import type { BytesCodec, Codec } from './codecs/codec';
import { getBytes, getInt, getInto, optionError, setBytes, setInt } from './sockopt';

type KeyOf<Values> = Values extends unknown ? keyof Values : never;
type PropertyOf<Values, Name> = Values extends unknown
  ? Name extends keyof Values
    ? Values[Name]
    : never
  : never;

/** What some of the structures have, where systems differ: `Values` is their union. */
type Any<Values> = { [Name in KeyOf<Values>]: PropertyOf<Values, Name> };

/** The values of structures, of which there may be several. */
type Structures<Of> = Of extends Fields ? StructureValue<Of> : never;

type ValueOf<Of> =
  Of extends Enumeration<infer Name>
    ? Name | number
    : Of extends Structure<infer Own, infer Growing, infer Others>
      ? Growing extends true
        ? Partial<Any<Structures<Own | Others[keyof Others]>>>
        : StructureValue<Own>
      : Of extends { readonly kind: infer Kind extends SimpleKind }
        ? OptionValues[Kind]
        : never;

/** The type of an option's value. */
export type OptionValue<Name extends OptionName> = ValueOf<(typeof optionTable)[Name]>;

/** What can be set as an option's value: of a structure some fields do, the others are 0. */
export type SettableValue<Name extends OptionName> = (typeof optionTable)[Name] extends {
  readonly fields: Fields;
}
  ? Partial<OptionValue<Name>>
  : OptionValue<Name>;

/** How to reach an option on this platform, and what to know of it. */
export interface SocketOption {
  /** For `getsockopt` and `setsockopt`. */
  readonly level: number;
  /** The level's constant: `'SOL_SOCKET'`, `'IPPROTO_TCP'`, … */
  readonly levelName: OptionLevel;
  /** For `getsockopt` and `setsockopt`. */
  readonly name: number;
  /** How the value is coded. */
  readonly kind: OptionKind;
  /** `r` can be read, `w` can be set. */
  readonly access: OptionAccess;
  /** The platforms that have it, and from which version on. */
  readonly where: string;
  /** What to know before it is used. */
  readonly notes?: string;
  /** Why `inspectSocket` does not read it: what a read changes or gives away. */
  readonly notInspected?: string;
  /** The names of an enumeration's values. */
  readonly values?: readonly ConstantName[];
}

/** `Object.entries`, with the table's own key type. */
function rows(): [OptionName, Row][] {
  const isName = (key: string): key is OptionName => key in optionTable;
  return Object.keys(optionTable)
    .filter(isName)
    .map((name) => [name, optionTable[name]]);
}

/** The option's number here, or undefined where this platform lacks it. */
function numberOf(option: OptionName, { instead, notOn }: Row): number | undefined {
  if (kernelAbi !== undefined && notOn?.includes(kernelAbi)) return undefined;
  return (instead && constants[instead]) ?? constants[option];
}

function describe(option: OptionName, row: Row): [OptionName, SocketOption][] {
  const level = constants[row.level];
  const name = numberOf(option, row);
  if (level === undefined || name === undefined) return [];
  const { kind, access, where, notes, notInspected, names } = row;
  const kindHere = (kernelAbi && row.kindOn?.[kernelAbi]) ?? kind;
  return [
    [
      option,
      {
        level,
        levelName: row.level,
        name,
        kind: kindHere,
        access,
        where,
        ...(notes !== undefined && { notes }),
        ...(notInspected !== undefined && { notInspected }),
        ...(names !== undefined && { values: names }),
      },
    ],
  ];
}

const supported: ReadonlyMap<OptionName, SocketOption> = new Map(
  rows().flatMap(([option, row]) => describe(option, row)),
);

/** Every named option that this platform has. */
export function supportedOptions(): ReadonlyMap<OptionName, SocketOption> {
  return supported;
}

/** An option of this platform with its codec. */
export interface Reachable extends SocketOption {
  readonly codec: Codec<unknown>;
}

/** Those that were used: most programs need few of them. */
const reachable = new Map<OptionName, Reachable>();

function find(syscall: 'getsockopt' | 'setsockopt', name: OptionName): Reachable {
  const known = reachable.get(name);
  if (known !== undefined) return known;
  text('name', name);
  if (!Object.hasOwn(optionTable, name)) {
    throw invalidArgValue('name', 'must be one of the names in socketOptions', name);
  }
  const found = reach(name);
  if (found !== undefined) return found;
  throw systemError(ENOPROTOOPT, syscall, {
    subject: name,
    explanation: `only on ${optionTable[name].where}`,
  });
}

/** The option with its codec, or undefined where this platform lacks it. */
export function reach(name: OptionName): Reachable | undefined {
  const known = reachable.get(name);
  if (known !== undefined) return known;
  const option = supported.get(name);
  if (option === undefined) return undefined;
  const made = { ...option, codec: codecOf(optionTable[name]) };
  reachable.set(name, made);
  return made;
}

/** Where the kernel writes what is read: as long as the longest value that a codec asks for. */
const scratch = Buffer.alloc(0x8000);

/** The longest value of any option, in bytes: the groups of SO_PEERGROUPS. */
const MOST = 0x40000;

/**
 * The length of the longest value that the kernel takes, where it refuses more (EINVAL). Any other error
 * is returned.
 */
function searchLength(fd: number, option: SocketOption, most: number): number {
  let [fits, tooLong] = [0, most + 1];
  while (tooLong - fits > 1) {
    const length = (fits + tooLong) >> 1;
    const result = getInto(fd, option.level, option.name, scratch, length);
    if (result >= 0) fits = length;
    else if (result === EINVAL) tooLong = length;
    else return result;
  }
  return getInto(fd, option.level, option.name, scratch, fits);
}

function readBytes(
  fd: number,
  name: OptionName,
  option: Reachable,
  codec: BytesCodec<unknown>,
): unknown {
  const { length, request } = codec;
  if (request !== undefined) {
    // Over what is left of other values.
    scratch.fill(0, 0, length);
    scratch.set(request);
  }
  const written = codec.searched
    ? searchLength(fd, option, length)
    : getInto(fd, option.level, option.name, scratch, length);
  if (written >= 0) {
    return codec.decode(scratch, written);
  }
  if (written !== ERANGE) throw optionError(written, 'getsockopt', name);
  const value = getBytes(fd, option.level, option.name, MOST, name);
  return codec.decode(value, value.length);
}

export function readOption<Name extends OptionName>(fd: number, name: Name): OptionValue<Name> {
  const option = find('getsockopt', name);
  if (option.access === 'w') throw invalidArgValue('name', 'can only be set', name);
  const { codec } = option;
  const value = codec.int
    ? codec.decode(getInt(fd, option.level, option.name, name))
    : readBytes(fd, name, option, codec);
  // The codec is of the row that the type follows from.
  return value as OptionValue<Name>;
}

export function writeOption<Name extends OptionName>(
  fd: number,
  name: Name,
  value: SettableValue<Name>,
): void {
  const option = find('setsockopt', name);
  if (option.access === 'r') throw invalidArgValue('name', 'can only be read', name);
  const { codec } = option;
  if (codec.int) {
    setInt(fd, option.level, option.name, codec.encode(value), name);
    return;
  }
  const bytes = codec.encode(value);
  setBytes(fd, codec.level?.(bytes) ?? option.level, option.name, bytes, name);
}
