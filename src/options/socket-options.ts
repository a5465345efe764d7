import { constants } from '../base/constants';
import { ENOPROTOOPT, invalidArgType, invalidArgValue, systemError } from '../base/errors';
import {
  type OptionAccess,
  type OptionKind,
  type OptionName,
  optionTable,
} from '../base/option-table';
import { type Codec, codecs, type OptionValues } from './codecs';
import { getBytes, getInt, setBytes, setInt } from './sockopt';

type KindOf<Name extends OptionName> = (typeof optionTable)[Name]['kind'];

/** The type of an option's value. */
export type OptionValue<Name extends OptionName> = OptionValues[KindOf<Name>];

/** How to reach an option on this platform. */
export interface SocketOption {
  /** For `getsockopt` and `setsockopt`. */
  readonly level: number;
  /** For `getsockopt` and `setsockopt`. */
  readonly name: number;
  /** How the value is coded. */
  readonly kind: OptionKind;
  /** `r` can be read, `w` can be set. */
  readonly access: OptionAccess;
  /** The platforms that have it, and from which version on. */
  readonly where: string;
}

/** `Object.entries`, with the table's own key type. */
function rows(): [OptionName, (typeof optionTable)[OptionName]][] {
  const isName = (key: string): key is OptionName => key in optionTable;
  return Object.keys(optionTable)
    .filter(isName)
    .map((name) => [name, optionTable[name]]);
}

/** Every named option that this platform's headers define. */
export const socketOptions: ReadonlyMap<OptionName, SocketOption> = new Map(
  rows().flatMap(([option, { level, kind, access, where }]) => {
    const name = constants[option];
    return name === undefined
      ? []
      : [[option, { level: constants[level], name, kind, access, where }]];
  }),
);

function find(syscall: 'getsockopt' | 'setsockopt', name: OptionName): SocketOption {
  const option = socketOptions.get(name);
  if (option !== undefined) return option;
  if (typeof name !== 'string') throw invalidArgType('name', 'of type string', name);
  if (!Object.hasOwn(optionTable, name)) {
    throw invalidArgValue('name', 'must be one of the names in socketOptions', name);
  }
  throw systemError(ENOPROTOOPT, syscall, {
    subject: name,
    explanation: `only on ${optionTable[name].where}`,
  });
}

function codecOf<Name extends OptionName>(name: Name): Codec<KindOf<Name>> {
  const kind: KindOf<Name> = optionTable[name].kind;
  return codecs[kind];
}

export function readOption<Name extends OptionName>(fd: number, name: Name): OptionValue<Name> {
  const option = find('getsockopt', name);
  if (option.access === 'w') throw invalidArgValue('name', 'can only be set', name);
  const codec = codecOf(name);
  return codec.int
    ? codec.decode(getInt(fd, option.level, option.name, name))
    : codec.decode(getBytes(fd, option.level, option.name, codec.maxLength, name));
}

export function writeOption<Name extends OptionName>(
  fd: number,
  name: Name,
  value: OptionValue<Name>,
): void {
  const option = find('setsockopt', name);
  if (option.access === 'r') throw invalidArgValue('name', 'can only be read', name);
  const codec = codecOf(name);
  if (codec.int) setInt(fd, option.level, option.name, codec.encode(value), name);
  else setBytes(fd, option.level, option.name, codec.encode(value), name);
}
