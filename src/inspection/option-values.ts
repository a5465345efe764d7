/** What the native calls have read of a socket, as values: compared with a new socket's, then decoded. */
import { binding, type SocketKind } from '../base/binding';
import type { OptionName } from '../base/option-table';
import { recordShape } from '../base/record-shape';
import type { OptionValue } from '../options/socket-options';
import {
  keyOf,
  type OptionPlan,
  type OptionResults,
  optionsFor,
  type PlannedOption,
  resultsFor,
} from './option-plan';

/** Values of options by the options' names. */
export type OptionValueMap = { [Name in OptionName]?: OptionValue<Name> };

/** What a plan has for sockets of one kind. */
export interface Selection {
  /** The options that such a socket can have. */
  readonly options: readonly PlannedOption[];
  /** What a new one has; undefined where none could be made. */
  readonly initial: OptionResults | undefined;
  /** Of the socket that was the last: most likely the next one's, too. */
  present: Present | undefined;
}

/** The options that a socket had. */
interface Present {
  /** By the options' places among the results: whether there is a value. */
  readonly flags: readonly boolean[];
  /** All of them, with a new socket's values as far as those are no objects. */
  readonly template: Readonly<Record<string, unknown>>;
  /** Those whose values are objects: each report has its own. */
  readonly objects: readonly PlannedOption[];
}

const selections = new WeakMap<OptionPlan, Map<number, Selection>>();

function readNewSocket(
  { options, calls }: OptionPlan,
  { family, type, protocol }: SocketKind,
): OptionResults | undefined {
  const fd = binding.socket(family, type, protocol);
  // A raw socket, for one, needs a right that the program may lack.
  if (fd < 0) return undefined;
  const initial = resultsFor(options);
  const error = binding.readOptions(fd, calls, initial.results, initial.values);
  binding.close(fd);
  return error < 0 ? undefined : initial;
}

/**
 * A new socket is read once: what it has changes with the system's settings only. One that could not be made is
 * tried again: the next time there may be a descriptor left for it.
 */
export function selectionFor(plan: OptionPlan, kind: SocketKind): Selection {
  let byKind = selections.get(plan);
  if (byKind === undefined) {
    byKind = new Map();
    selections.set(plan, byKind);
  }
  const key = keyOf(kind);
  const known = byKind.get(key);
  if (known !== undefined) return known;
  const initial = readNewSocket(plan, kind);
  const selection = { options: optionsFor(plan, kind), initial, present: undefined };
  if (initial !== undefined) byKind.set(key, selection);
  return selection;
}

/** Compares whole words: what is beyond the value is 0. */
function sameValue(offset: number, length: number, one: Int32Array, other: Int32Array): boolean {
  const end = (offset + length + 3) >> 2;
  for (let word = offset >> 2; word < end; word++) if (one[word] !== other[word]) return false;
  return true;
}

/** The options that have a value, and another than a new socket's. */
export function differingFrom(
  { options, initial }: Selection,
  { results, words }: OptionResults,
): PlannedOption[] {
  const differing: PlannedOption[] = [];
  for (const option of options) {
    const { index, offset } = option;
    const length = results[index] ?? -1;
    if (length < 0) continue;
    if (length === initial?.results[index] && sameValue(offset, length, words, initial.words)) {
      continue;
    }
    differing.push(option);
  }
  return differing;
}

function decodeOne({ codec, index, offset }: PlannedOption, read: OptionResults): unknown {
  const { results, words, views } = read;
  return codec.int
    ? codec.decode(words[offset >> 2] ?? 0)
    : codec.decode(views[index] ?? Buffer.alloc(0), results[index] ?? 0);
}

function hasSameFlags(results: Int32Array, flags: readonly boolean[]): boolean {
  for (let i = 0; i < flags.length; i++) if ((results[i] ?? -1) >= 0 !== flags[i]) return false;
  return true;
}

function presentIn({ options, initial, present }: Selection, results: Int32Array): Present {
  if (present !== undefined && hasSameFlags(results, present.flags)) return present;
  const flags = Array.from(results, (length) => length >= 0);
  const had = options.filter(({ index }) => flags[index]);
  const template = { ...recordShape(had.map(({ name }) => name)) };
  const objects: PlannedOption[] = [];
  for (const option of had) {
    if (initial === undefined || (initial.results[option.index] ?? -1) < 0) continue;
    const value = decodeOne(option, initial);
    if (typeof value === 'object') objects.push(option);
    else template[option.name] = value;
  }
  return { flags, template, objects };
}

/** The values of these options, of which there must be one each. */
export function decode(options: readonly PlannedOption[], read: OptionResults): OptionValueMap {
  const values: Record<string, unknown> = {};
  for (const option of options) values[option.name] = decodeOne(option, read);
  // Each codec is of the row that the type follows from.
  return values as OptionValueMap;
}

/** The values of all options that the socket has. `differing`: what `differingFrom` has found. */
export function decodeAll(
  selection: Selection,
  read: OptionResults,
  differing: readonly PlannedOption[],
): OptionValueMap {
  const present = presentIn(selection, read.results);
  selection.present = present;
  const values = { ...present.template };
  for (const option of differing) values[option.name] = decodeOne(option, read);
  for (const option of present.objects) {
    if (typeof values[option.name] !== 'object') values[option.name] = decodeOne(option, read);
  }
  return values as OptionValueMap;
}
