// A vitest fixture: a test that names `reservation` gets a port of its own, released when it ends.
import { type PortReservation, reservePort } from 'bindport';
import { test as base } from 'vitest';

export const test = base.extend<{ reservation: PortReservation }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads which fixtures are used from it
  reservation: async ({}, use) => {
    await using reservation = reservePort();
    await use(reservation);
  },
});
