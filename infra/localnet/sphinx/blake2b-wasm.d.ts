/** blake2b-wasm 2.4.0 brings no types; this is what we use of it. */
declare module 'blake2b-wasm' {
  type Blake2b = { update(bytes: Uint8Array): Blake2b; digest(): Uint8Array }
  const blake2b: {
    /** Hash synchronously, once ready() has called back. */
    (digestBytes: number, key: Uint8Array): Blake2b
    ready(callback: (error?: Error) => void): void
  }
  export = blake2b
}
