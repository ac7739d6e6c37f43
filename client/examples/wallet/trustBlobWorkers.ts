/** What `require-trusted-types-for 'script'` leaves us: one policy, and it lets pass one thing. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown
}

/** The Nym SDK starts its worker from a blob that it made in this page; no other script is ever loaded by its URL. */
export function trustBlobWorkers(): void {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }
  trustedTypes?.createPolicy('default', {
    createScriptURL(url) {
      if (url.startsWith(`blob:${location.origin}/`)) return url
      throw new TypeError('Only the worker of the Nym client is started here.')
    },
  })
}
