/** Standard alphabet, padded. Undefined for what is none. */
export function fromBase64(text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    return undefined
  }
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
}

/** Of a few bytes. */
export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
