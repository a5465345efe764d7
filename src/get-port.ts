import {
  clearLockedPorts,
  type Options as GetPortOptions,
  getPort as getReservedPort,
  portNumbers,
} from './reservation/get-port';

/**
 * What `require('bindport/get-port')` gives: gets a free TCP port, as get-port 7 does, and reserves it until
 * the process ends. It is its own property `default`, as get-port 7 has it for `require`.
 *
 * @param options which port and where; never changed
 * @returns the port; never one that was returned before, until `clearLockedPorts`
 * @throws (rejects) TypeError or RangeError for wrong options; SystemError EADDRINUSE when no port is left,
 *   EADDRNOTAVAIL for a host that is not this machine's, ENOTFOUND for a name that is none, EMFILE
 */
function getPort(options?: GetPortOptions): Promise<number> {
  return getReservedPort(options);
}
getPort.default = getPort;
getPort.portNumbers = portNumbers;
getPort.clearLockedPorts = clearLockedPorts;

declare namespace getPort {
  export type Options = GetPortOptions;
}

export = getPort;
