// A program of bench/workers: it prints its ways, and tells how long one of them takes so many times.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fail } from '../scripts/project.mjs';

/** Nanoseconds that a batch takes at least, and how many of a way's calls one may have: each may open a socket. */
const BATCH = 2e6;
/** So many batches in a round, of which the fastest counts: another program may have had the processor in the others. */
const BATCHES = 3;
const MOST_CALLS = 4000;
/** Nanoseconds that a way runs before it is timed: V8 compiles it meanwhile. */
const WARMING = 1e8;

export class Worker {
  #child;
  #lines;
  #calls = new Map();

  /** Starts the program; `ways` are its, once it is ready. */
  static async start(runtime, command, args) {
    const worker = new Worker(runtime, command, args);
    worker.ways = JSON.parse(await worker.#line());
    return worker;
  }

  constructor(runtime, command, args) {
    this.runtime = runtime;
    const env = { ...process.env, NODE_NO_WARNINGS: '1' };
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
    this.#child.once('error', ({ message }) => fail(message));
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async #line() {
    const { value, done } = await this.#lines.next();
    if (done) fail(`${this.runtime}: ${this.#child.spawnargs.join(' ')} has ended`);
    return value;
  }

  /** Writes a line, and returns the one that the program answers. */
  ask(line) {
    this.#child.stdin.write(`${line}\n`);
    return this.#line();
  }

  async #time(way, calls) {
    return Number(await this.ask(`${way} ${calls}`));
  }

  /** Finds out how many calls make a batch. */
  async warmUp(way) {
    let calls = 1;
    for (let spent = 0; spent < WARMING; ) {
      const took = await this.#time(way, calls);
      spent += took;
      if (took < BATCH) calls = Math.min(calls * 2, MOST_CALLS);
      if (took < 1000) spent += WARMING / 100;
    }
    this.#calls.set(way, calls);
  }

  /** Nanoseconds of one call. */
  async time(way) {
    const calls = this.#calls.get(way);
    const batches = [];
    for (let i = 0; i < BATCHES; i++) batches.push(await this.#time(way, calls));
    return Math.min(...batches) / calls;
  }

  end() {
    this.#child.stdin.end();
  }
}
