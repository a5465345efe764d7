/** What `import getPort from 'bindport/get-port'` gives: the same functions as `require`, so the same ports. */
import getPort from './get-port.js';

export type Options = getPort.Options;
export const { portNumbers, clearLockedPorts } = getPort;
export default getPort;
