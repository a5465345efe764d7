import { readFileSync } from 'node:fs';

/** Users by number, from the text of passwd(5). */
export function parsePasswd(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , uid] = line.split(':');
    // The first of several with one number is the one that getpwuid(3) gives.
    if (name && uid && !names.has(Number(uid))) names.set(Number(uid), name);
  }
  return names;
}

/** Users of this machine; those of a directory service are not among them. */
export function localUsers(): Map<number, string> {
  try {
    return parsePasswd(readFileSync('/etc/passwd', 'utf8'));
  } catch {
    return new Map();
  }
}
