import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeWhile } from '../../src/inspection/linux/processes';
import { linuxOnly, runWhen } from '../support/platform';

/** The number of the last process: whoever may write it chooses the next one's. */
const LAST = '/proc/sys/kernel/ns_last_pid';

function mayChooseNumbers(): boolean {
  try {
    writeFileSync(LAST, readFileSync(LAST));
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts a process, and when it reads from `go` ends it and starts one that gets its number, later by the clock's
 * ticks; somebody else may be faster, so it tries again. SIGKILL, because a shell's child forgets a SIGTERM that it
 * gets before it is the program.
 */
const KEEPER = `
started() { read -r stat < /proc/$1/stat; set -- $stat; eval "echo \\\${22}" > "$folder/tick"; read -r tick < "$folder/tick"; }
folder=$0
sleep 1000 & first=$!
trap 'kill -9 $!' TERM
started $first; before=$tick
echo $first
read -r line < "$folder/go"
kill -9 $first; wait $first
tries=0
while [ $((tries += 1)) -lt 1000 ]; do
  echo $((first - 1)) > ${LAST}
  sleep 1000 &
  if [ $! = $first ]; then started $first; [ $tick != $before ] && break; fi
  kill -9 $!; wait $!
done
echo $tries > "$folder/done"
wait
`;

/** A process, and how to replace it, within the call, by another one that has its number then. */
async function replaceable(): Promise<{ pid: number; replace: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'bindport-process-'));
  const [go, done] = [join(folder, 'go'), join(folder, 'done')];
  execFileSync('mkfifo', [go, done]);
  const keeper = spawn('sh', ['-c', KEEPER, folder], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(async () => {
    keeper.kill();
    await once(keeper, 'exit');
    rmSync(folder, { recursive: true });
  });
  const [pid] = await once(keeper.stdout, 'data');
  const replace = () => {
    writeFileSync(go, '\n');
    if (Number(readFileSync(done)) === 1000) throw new Error('somebody else has got its number');
  };
  return { pid: Number(pid), replace };
}

describe('the process that a socket was found at', linuxOnly('others tell it at once'), () => {
  test('is described while it has the socket', () => {
    const info = describeWhile(process.pid, () => true);
    expect(info).toMatchObject({ pid: process.pid, startedAt: expect.any(Date) });
    expect(describeWhile(process.pid, () => false)).toBeUndefined();
    expect(describeWhile(0x7fffffff, () => true)).toBeUndefined();
  });

  const choice = runWhen(mayChooseNumbers(), 'needs CAP_CHECKPOINT_RESTORE');
  test('is not taken for one that got its number in between', choice, async () => {
    const { pid, replace } = await replaceable();
    expect(describeWhile(pid, () => true)).toMatchObject({ pid });
    const taken = describeWhile(pid, () => {
      replace();
      return true;
    });
    expect(taken).toBeUndefined();
    expect(describeWhile(pid, () => true)).toMatchObject({ pid });
  });
});
