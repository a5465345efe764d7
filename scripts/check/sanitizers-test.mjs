// Runs the suite with an addon built for AddressSanitizer and UndefinedBehaviorSanitizer, in a copy of
// the project under .cache/sanitizers, so that the ordinary build stays as it is.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root } from '../project.mjs';

const FLAGS = '-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g';
const copy = join(root, '.cache/sanitizers');

const runtime = (name) => {
  const path = execFileSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  // g++ answers with the bare name when it has no such file.
  return path === name ? fail(`g++ has no ${name}`) : path;
};

const run = (command, args, env) => {
  const { status } = spawnSync(command, args, {
    cwd: copy,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (status !== 0) process.exit(status ?? 1);
};

rmSync(copy, { recursive: true, force: true });
mkdirSync(copy, { recursive: true });
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
});
for (const file of files.trim().split('\n')) cpSync(join(root, file), join(copy, file));
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

run('npx', ['node-gyp', 'rebuild'], { CXXFLAGS: FLAGS, LDFLAGS: FLAGS });
run('npm', ['run', 'build:ts']);
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project=suite'];
run(process.execPath, [...vitest, ...process.argv.slice(2)], {
  LD_PRELOAD: [runtime('libasan.so'), runtime('libubsan.so')].join(' '),
  // V8 frees nothing at exit; what the addon leaks shows in test/socket/leaks.test.ts.
  ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1:abort_on_error=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
});
