import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type ReserveOptions, reservePort } from '../../src/index';
import { linkLocal, needsIpv6, needsLinkLocal } from '../support/network';

/** The URL without its port, which is the reservation's. */
function urlOf(options?: ReserveOptions, ...args: readonly string[]): string {
  using reservation = reservePort(options);
  const url = reservation.url(...args);
  expect(url).toContain(`:${reservation.port}`);
  return url.replace(`:${reservation.port}`, '');
}

describe('the URL of a reserved port', () => {
  test.each<[string, ReserveOptions | undefined]>([
    ['http://127.0.0.1', undefined],
    ['http://127.0.0.2', { host: '127.0.0.2' }],
    ['http://localhost', { host: 'localhost' }],
    ['http://127.0.0.1', { host: '0.0.0.0' }],
    ['http://127.0.0.2', { host: ['127.0.0.2', '127.0.0.1'] }],
    ['http://127.0.0.1', { protocol: 'udp' }],
  ])('is %s for %j', (url, options) => {
    expect(urlOf(options)).toBe(url);
  });

  test.each<[string, string]>([
    ['http://[::1]', '::1'],
    ['http://[::1]', '0:0::1'],
    ['http://127.0.0.1', '::'],
    ['http://127.0.0.1', '::ffff:127.0.0.1'],
  ])('is %s for %s', needsIpv6, (url, host) => {
    expect(urlOf({ host })).toBe(url);
  });

  test('has a zone as RFC 6874 writes it', needsLinkLocal, () => {
    const host = linkLocal ?? '';
    expect(urlOf({ host })).toBe(`http://[${host.replace('%', '%25')}]`);
  });

  test.each([
    [['https'], 'https://127.0.0.1'],
    [['ws:'], 'ws://127.0.0.1'],
    [['git+ssh', '/repository'], 'git+ssh://127.0.0.1/repository'],
    [['http', '/a?b=1#c'], 'http://127.0.0.1/a?b=1#c'],
    [['http', '?b=1'], 'http://127.0.0.1?b=1'],
    [['redis', '/0'], 'redis://127.0.0.1/0'],
  ])('has what is asked for: %j', (args, url) => {
    expect(urlOf(undefined, ...args)).toBe(url);
  });

  test.each([
    [['http://'], 'protocol', 'ERR_INVALID_ARG_VALUE'],
    [[''], 'protocol', 'ERR_INVALID_ARG_VALUE'],
    [['1http'], 'protocol', 'ERR_INVALID_ARG_VALUE'],
    [[null], 'protocol', 'ERR_INVALID_ARG_TYPE'],
    [['http', 'path'], 'path', 'ERR_INVALID_ARG_VALUE'],
    [['http', '@example.org/'], 'path', 'ERR_INVALID_ARG_VALUE'],
    [['http', 1], 'path', 'ERR_INVALID_ARG_TYPE'],
  ])('refuses %j', (args, name, code) => {
    using reservation = reservePort();
    expect(() => Reflect.apply(reservation.url, reservation, args)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(name) }),
    );
  });

  test.each(['127.0.0.1', '::1', '0.0.0.0', '::', 'localhost'])(
    'leads to the server that listens on %s',
    needsIpv6,
    async (host) => {
      await using reservation = reservePort({ host });
      await reservation.listen(
        createServer((request, response) => response.end(request.url)).unref(),
      );
      const [response] = await once(
        get(reservation.url('http', '/there'), { agent: false }),
        'response',
      );
      expect(String(await response.toArray())).toBe('/there');
    },
  );

  test('is told after the release, too, as the port is', () => {
    const reservation = reservePort();
    reservation.release();
    expect(reservation.url()).toBe(`http://127.0.0.1:${reservation.port}`);
  });
});
