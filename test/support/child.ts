import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export const fixtures = join(__dirname, '..', 'fixtures');

interface StartOptions {
  args?: readonly string[];
  execArgv?: readonly string[];
}

/** Runs a script of test/fixtures, which sends one message and ends: resolves with the message. */
export async function reportOf(
  name: string,
  { args = [], execArgv = [] }: StartOptions = {},
): Promise<unknown> {
  const child = fork(join(fixtures, name), [...args], { execArgv: [...execArgv], silent: true });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const messages: unknown[] = [];
  child.on('message', (message) => messages.push(message));
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0 || messages.length !== 1) {
    throw new Error(
      `${name} ended (${signal ?? code}) with ${messages.length} messages: ${stderr}`,
    );
  }
  return messages[0];
}
