import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where PostgreSQL keeps its programs: off the path, one folder a version. */
function postgresqlFolders(): string[] {
  const versions = '/usr/lib/postgresql';
  try {
    return readdirSync(versions).map((version) => join(versions, version, 'bin'));
  } catch {
    return [];
  }
}

export function findProgram(name: string): string | undefined {
  const path = (process.env.PATH ?? '').split(delimiter);
  for (const folder of [...path, '/usr/sbin', '/sbin', ...postgresqlFolders()]) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not here.
    }
  }
  return undefined;
}
