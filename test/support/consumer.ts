import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { fixture, root } from './paths';

/** A project of its own in a temporary folder, which has this package (and others of ours) installed. */
export class Consumer {
  readonly folder = mkdtempSync(join(tmpdir(), 'bindport-consumer-'));

  constructor(manifest: object = { name: 'consumer', private: true }) {
    onTestFinished(() => rmSync(this.folder, { recursive: true }));
    this.write('package.json', JSON.stringify(manifest));
    this.install('bindport', root);
  }

  install(name: string, from: string = join(root, 'node_modules', name)): void {
    const place = join(this.folder, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    // A junction needs no privilege on Windows; elsewhere it is a symbolic link.
    symlinkSync(from, place, 'junction');
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** Copies a file of test/fixtures/package. */
  copy(name: string, as: string = name): void {
    copyFileSync(fixture(join('package', name)), join(this.folder, as));
  }

  /** Runs Node here; `script` is a path in the project, or of this repository's. */
  run(
    script: string,
    ...args: string[]
  ): Promise<{ code: unknown; stdout: string; stderr: string }> {
    const { NODE_OPTIONS: _, VITEST: __, ...env } = process.env;
    return new Promise((settle) => {
      execFile(
        process.execPath,
        [resolve(this.folder, script), ...args],
        { cwd: this.folder, encoding: 'utf8', env: { ...env, CI: 'true', NO_COLOR: '1' } },
        (error, stdout, stderr) => settle({ code: error?.code ?? 0, stdout, stderr }),
      );
    });
  }
}
