import { inspect } from 'node:util';
import type { OptionName } from '../base/option-table';
import { type SocketOption, supportedOptions } from './socket-options';

/**
 * A Map that is filled when it is looked into. `import` asks for the value of every export, and the table takes
 * as long to load as all the rest.
 */
export class OptionMap extends Map<OptionName, SocketOption> {
  #filled = false;

  #fill(): void {
    if (!this.#filled) {
      this.#filled = true;
      for (const [name, option] of supportedOptions()) super.set(name, option);
    }
  }

  override get size(): number {
    this.#fill();
    return super.size;
  }

  override has(name: OptionName): boolean {
    this.#fill();
    return super.has(name);
  }

  override get(name: OptionName): SocketOption | undefined {
    this.#fill();
    return super.get(name);
  }

  override forEach(
    callback: (option: SocketOption, name: OptionName, map: Map<OptionName, SocketOption>) => void,
    thisArg?: unknown,
  ): void {
    this.#fill();
    super.forEach(callback, thisArg);
  }

  override keys(): MapIterator<OptionName> {
    this.#fill();
    return super.keys();
  }

  override values(): MapIterator<SocketOption> {
    this.#fill();
    return super.values();
  }

  override entries(): MapIterator<[OptionName, SocketOption]> {
    this.#fill();
    return super.entries();
  }

  override [Symbol.iterator](): MapIterator<[OptionName, SocketOption]> {
    return this.entries();
  }

  /** As a Map, which console.log looks into past the methods. */
  [inspect.custom](): Map<OptionName, SocketOption> {
    return new Map(this);
  }
}

/** Every named option that this platform has. */
export const socketOptions: ReadonlyMap<OptionName, SocketOption> = new OptionMap();
