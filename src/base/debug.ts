import { debuglog } from 'node:util';

/** Tells something on standard error with NODE_DEBUG=bindport. Ask `debugging` first. */
export const debug = debuglog('bindport');

/**
 * Whether anybody reads what `debug` is told: so that nothing is put together in vain. Bun's debuglog does
 * not say (1.4); there each message is handed over.
 */
export const debugging: boolean = debug.enabled ?? true;
