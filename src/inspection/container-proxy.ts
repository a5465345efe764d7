import type { ProcessInfo } from './socket-info';

/** docker-proxy and its kin, which pass a published port on into a container. Linux cuts names to 15 bytes. */
const CONTAINER_PROXY =
  /^(?:docker-proxy|com\.docker\.back(?:end)?|rootlessport|rootlesskit|slirp4netns|pasta|gvproxy|wslrelay)(?:\.exe)?$/;

export function isContainerProxy({ name, command }: ProcessInfo): boolean {
  const program = command?.split(' ')[0]?.split(/[/\\]/).at(-1);
  return CONTAINER_PROXY.test(name ?? '') || CONTAINER_PROXY.test(program ?? '');
}
