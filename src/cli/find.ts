import { parseArgs } from 'node:util';
import { reservePorts } from '../reservation/reserve-port';
import { type Command, hostsIn, printHelp, wholeNumber } from './command';

const MAX_PORTS = 10_000;

export const find: Command = {
  help: `Usage: bindport find [-n N] [--host H]... [--udp] [--json]

Prints ports that nobody uses, one a line, all different. They are likely to stay free, not certain
to: 'bindport run' keeps a port from all but those who bind its very number, as long as it runs.

  -n, --number N  how many, 1 to ${MAX_PORTS}; 1 without it
      --host H    free on this address: a numeric address or 'localhost'; can be given several
                  times; without it, on every address
      --udp       UDP ports instead of TCP ports
      --json      print an array
  -h, --help      print this
`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        number: { type: 'string', short: 'n', default: '1' },
        host: { type: 'string', multiple: true },
        udp: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    if (values.help) return printHelp(find);
    const reservations = reservePorts(wholeNumber('--number', values.number, 1, MAX_PORTS), {
      protocol: values.udp ? 'udp' : 'tcp',
      ...hostsIn(values.host),
    });
    const ports = reservations.map(({ port }) => port);
    for (const reservation of reservations) reservation.release();
    process.stdout.write(`${values.json ? JSON.stringify(ports) : ports.join('\n')}\n`);
    return 0;
  },
};
