'use strict';
// Runs one scenario once for each call of each function and each error that it can give; argv: its name. Prints
// a JSON object: how many faults there were, and what was wrong after which. Started with inject.c preloaded.
const { readdirSync, readlinkSync } = require('node:fs');
const { once } = require('node:events');
const { constants: os } = require('node:os');
const binding = require('../../../build/Release/bindport.node');
const { scenarios, startPeer } = require('./scenarios.cjs');

const CONTROL = -7701;
const [DISARM, FIRED, CLOSED_TWICE, RELEASE] = [0, 1, 2, 3];

/** The functions in inject.c's order: the errors that each can give, and what an error of ours calls it. */
const calls = [
  ['socket', ['EMFILE', 'ENOBUFS'], ['socket']],
  ['bind', ['EADDRINUSE', 'ENOMEM'], ['bind']],
  ['listen', ['EADDRINUSE'], ['listen']],
  ['getsockname', ['ENOBUFS'], ['getsockname']],
  ['getsockopt', ['ENOMEM'], ['getsockopt']],
  ['setsockopt', ['ENOMEM', 'EPERM'], ['setsockopt', 'open']],
  ['dup', ['EMFILE'], ['dup']],
  ['fcntl', ['EMFILE', 'EINVAL'], ['dup', 'accept', 'connect']],
  ['accept4', ['EMFILE', 'ECONNABORTED'], ['accept']],
  ['dup3', ['EBUSY', 'EMFILE'], ['dup']],
  ['close', ['EINTR', 'EIO'], ['close']],
  ['sendmsg', ['ENOBUFS', 'ENOMEM'], ['write', 'sendmsg']],
  ['recvmsg', ['ENOMEM'], ['read', 'recvmsg']],
];

function control(what) {
  return binding.getsockopt(CONTROL, 0, what);
}

function arm(call, nth, error) {
  binding.setsockopt(CONTROL, call, nth, error);
}

function disarm() {
  control(DISARM);
}

/** The descriptors of this process, with what they are. */
function descriptors() {
  return new Set(
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
      } catch {
        return [];
      }
    }),
  );
}

async function cleanUp(used) {
  for (const { thing, method } of used.reverse()) {
    // A dgram socket tells when it is closed, a server only when it listened.
    const closed = typeof thing.once === 'function' ? once(thing, 'close') : undefined;
    try {
      thing[method]();
    } catch {
      continue;
    }
    if (closed && (thing.type !== undefined || thing._handle !== undefined))
      await Promise.race([closed, pause()]);
  }
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

/** What is wrong with an error that says that this call failed. */
function wrongWith(error, syscalls, code) {
  if (!(error instanceof Error)) return `threw ${error}`;
  if (error.syscall !== undefined) {
    return error.code === code && syscalls.includes(error.syscall) ? undefined : `${error.message}`;
  }
  // A public code of ours, whose text is the reason.
  return typeof error.code === 'string' && error.code.startsWith('ERR_')
    ? undefined
    : String(error.stack);
}

async function attempt([before, work, options = {}], call, nth, code) {
  const [, , syscalls] = calls[call];
  const child = options.child ? await startPeer() : undefined;
  const childEnd = child && once(child, 'close');
  const start = descriptors();
  const used = [];
  const use = (thing, method = 'close') => {
    used.push({ thing, method });
    return thing;
  };
  const problems = [];
  const given = await before(use, { child });
  const listened = new Set(used.map(({ thing }) => thing).filter((thing) => thing.listening));
  arm(call, nth, os.errno[code]);
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('never settles')), 6000);
  });
  try {
    await Promise.race([(async () => work(given, use))(), late]);
  } catch (error) {
    if (control(FIRED) === 0) problems.push(`without a fault: ${error.stack}`);
    const wrong = wrongWith(error, syscalls, code);
    if (wrong !== undefined) problems.push(wrong);
    if (used.some(({ thing }) => thing.listening && !listened.has(thing))) {
      problems.push('rejects while the server listens');
    }
  }
  clearTimeout(timer);
  const fired = control(FIRED) === 1;
  disarm();
  await cleanUp(used);
  if (child) {
    child.kill('SIGKILL');
    await childEnd;
  }
  await new Promise((resolve) => setImmediate(resolve));
  if (control(CLOSED_TWICE) > 0) problems.push('closes a descriptor twice');
  control(RELEASE);
  const left = child ? [] : [...descriptors()].filter((one) => !start.has(one));
  if (left.length > 0) problems.push(`leaves open ${left.length}`);
  return { fired, problems };
}

async function main(name) {
  const scenario = scenarios[name];
  const { most = 24, child } = scenario[2] ?? {};
  const cells = {};
  const warnings = [];
  process.on('warning', ({ message }) => warnings.push(message));
  // Once without a fault, so that everything is loaded.
  await attempt(scenario, 0, 0, 'EMFILE');
  for (const [call, [syscall, codes]] of calls.entries()) {
    const cell = { faults: 0, problems: [] };
    for (let nth = 1; nth <= (child ? 2 : most); nth++) {
      let fired = false;
      for (const code of child ? codes.slice(0, 1) : codes) {
        const result = await attempt(scenario, call, nth, code);
        fired ||= result.fired;
        if (result.fired) cell.faults++;
        for (const problem of result.problems)
          cell.problems.push(`${syscall} ${nth} ${code}: ${problem}`);
      }
      if (!fired) break;
    }
    if (cell.faults > 0) cells[syscall] = cell;
  }
  process.stdout.write(JSON.stringify({ name, cells, warnings }));
  process.exit(0);
}

main(process.argv[2]);
