import { binding } from './binding';
import type { PlatformConstant, UniversalConstant } from './constant-names';

/** The name of a C constant that some platform defines. */
export type ConstantName = UniversalConstant | PlatformConstant;

/**
 * The C constants that this platform defines, by their C names: families (`AF_*`), types and flags
 * (`SOCK_*`), protocols and levels (`IPPROTO_*`, `SOL_*`), option names (`SO_*`, `TCP_*`, `IP_*`,
 * `IPV6_*`, …) and their values (`IP_PMTUDISC_*`, `TCP_ESTABLISHED`, …). One that the platform lacks
 * is `undefined`.
 */
export type Constants = { readonly [Name in UniversalConstant]: number } & {
  readonly [Name in PlatformConstant]?: number;
};

function hasUniversal(names: Readonly<Record<string, number | undefined>>): names is Constants {
  return 'SO_REUSEADDR' in names;
}

function allConstants(): Constants {
  // The addon's own object: a copy of so many properties takes longer than loading the addon.
  const names = Object.freeze(binding.constants);
  if (!hasUniversal(names)) throw new Error('the addon holds no socket constants');
  return names;
}

export const constants: Constants = allConstants();
