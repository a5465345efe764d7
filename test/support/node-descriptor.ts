function property(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, key) : undefined;
}

/** The descriptor behind a net server or socket, from what Node keeps private. Unix only. */
export function nodeDescriptor(target: object): number {
  const fd = property(property(target, '_handle'), 'fd');
  if (typeof fd !== 'number' || fd < 0) throw new Error('no descriptor');
  return fd;
}
