import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { binding } from '../../src/base/binding';
import {
  constants,
  type PortReservation,
  type ReserveOptions,
  reservePort,
  SocketHandle,
} from '../../src/index';
import { reportOf } from '../support/child';
import { linuxOnly } from '../support/platform';
import { expectNothingStolen } from '../support/thief';
import { errnoOf } from '../support/thrown';

const { AF_INET, SOCK_STREAM } = constants;
const NOBODY = 65534;
const canBeOthers = process.geteuid?.() === 0;

function reserve(options: ReserveOptions = {}): PortReservation {
  const reservation = reservePort(options);
  onTestFinished(() => reservation.release());
  return reservation;
}

function server(): Server {
  const created = createServer();
  onTestFinished(() => void created.close());
  return created;
}

/** What a thief gets who sets the options and then binds and listens. */
function steal(port: number, options: readonly ('SO_REUSEADDR' | 'SO_REUSEPORT')[], uid?: number) {
  // A socket belongs to the user that is effective when it is opened (sk_uid).
  if (uid !== undefined) process.seteuid?.(uid);
  try {
    using thief = new SocketHandle(AF_INET, SOCK_STREAM);
    for (const option of options) thief.setOption(option, true);
    thief.bind('127.0.0.1', port);
    thief.listen();
    return 'Success';
  } catch (error) {
    return String(Reflect.get(Object(error), 'code'));
  } finally {
    if (uid !== undefined) process.seteuid?.(0);
  }
}

/** Has thieves try before and after each of the system calls with which a server gets the port. */
async function stealAtEachStep(reservation: PortReservation, attempt: (port: number) => string[]) {
  const results: string[] = [];
  let trying = false;
  const spies = (['bind', 'listen', 'setsockopt'] as const).map((name) => {
    const original = binding[name];
    return vi.spyOn(binding, name).mockImplementation((...args: number[]) => {
      const around = () => {
        if (trying) return;
        trying = true;
        results.push(...attempt(reservation.port));
        trying = false;
      };
      around();
      const result: number = Reflect.apply(original, binding, args);
      around();
      return result;
    });
  });
  const listener = server();
  try {
    await reservation.listen(listener);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  expect(results.length).toBeGreaterThan(10);
  listener.close();
  await once(listener, 'close');
  return new Set(results);
}

describe(
  'while a server of this process gets a held port',
  linuxOnly('SO_REUSEPORT is per user'),
  () => {
    test.each([{}, { host: '127.0.0.1' }, { host: 'localhost' }])(
      'a program that sets SO_REUSEADDR is refused at every step (%o)',
      async (options) => {
        const reservation = reserve(options);
        const attempt = (port: number) => [steal(port, []), steal(port, ['SO_REUSEADDR'])];
        // The second time beside connections and a bucket that has been used.
        for (const _ of [1, 2]) {
          expect(await stealAtEachStep(reservation, attempt)).toEqual(new Set(['EADDRINUSE']));
        }
      },
    );

    test.runIf(canBeOthers)('another user is refused at every step, whatever it sets', async () => {
      const attempt = (port: number) => [
        steal(port, ['SO_REUSEADDR'], NOBODY),
        steal(port, ['SO_REUSEPORT'], NOBODY),
        steal(port, ['SO_REUSEADDR', 'SO_REUSEPORT'], NOBODY),
      ];
      expect(await stealAtEachStep(reserve(), attempt)).toEqual(new Set(['EADDRINUSE']));
    });

    test('nobody can bind it while the server listens, nor when it has closed', async () => {
      const reservation = reserve();
      const listener = server();
      await reservation.listen(listener);
      await expectNothingStolen(reservation.port, 'SOCK_STREAM');
      listener.close();
      await once(listener, 'close');
      // By this user with SO_REUSEPORT neither: the kernel would remember that it was let in.
      await expectNothingStolen(reservation.port, 'SOCK_STREAM');
    });

    test('one who bound it while it was shared can neither listen nor stop it', async () => {
      const reservation = reserve();
      reservation.share();
      using thief = new SocketHandle();
      thief.setOption('SO_REUSEADDR', true);
      thief.bind('127.0.0.1', reservation.port);
      reservation.unshare();
      const attempt = () => {
        try {
          thief.listen();
          return ['Success'];
        } catch (error) {
          return [String(Reflect.get(Object(error), 'code'))];
        }
      };
      expect(await stealAtEachStep(reservation, attempt)).toEqual(new Set(['EADDRINUSE']));
    });

    test('a refusal that passes is not the last word', async () => {
      const reservation = reserve();
      const spy = vi.spyOn(binding, 'listen').mockReturnValueOnce(errnoOf('EADDRINUSE'));
      onTestFinished(() => spy.mockRestore());
      const address = await reservation.listen(server());
      expect(address.port).toBe(reservation.port);
    });

    test.runIf(canBeOthers)('it listens after the process has become another user', async () => {
      const report = await reportOf('reservation/listen-after-setuid.cjs');
      expect(report).toEqual({ port: expect.any(Number), uid: NOBODY, stateAfter: 'held' });
    });
  },
);
