declare module 'node-gyp-build' {
  /** Loads the addon of the package in `folder`: built by node-gyp, or prebuilt. */
  const load: <Addon>(folder: string) => Addon;
  export default load;
}
