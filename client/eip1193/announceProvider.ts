import { VeilcastError } from '@veilcast/shared/errors'
import type { Eip1193Provider } from './createEip1193Provider.ts'

export interface AnnouncedInfo {
  /** Shown to the user. */
  readonly name: string
  /** A data URI: PNG or SVG, square, at least 96 pixels. */
  readonly icon: string
  /** The wallet's domain reversed, as in `org.example.wallet`. */
  readonly rdns: string
  /** A version 4 UUID. Default: drawn for this page. */
  readonly uuid?: string | undefined
}

const announce = 'eip6963:announceProvider'
const asked = 'eip6963:requestProvider'

/**
 * Announces a provider to the page by EIP-6963, now and whenever it is asked for. Without a window it does nothing.
 * @returns ends it
 *
 * @example
 * import { announceProvider } from '@veilcast/client/eip1193'
 * const stop = announceProvider(provider, { name: 'Example', icon: 'data:image/svg+xml,…', rdns: 'org.example.wallet' })
 *
 * @throws VeilcastError `invalidArgument` for an icon that would be loaded from somewhere
 */
export function announceProvider(provider: Eip1193Provider, info: AnnouncedInfo): () => void {
  if (!info.icon.startsWith('data:image/')) {
    throw new VeilcastError('invalidArgument', { details: 'icon: is a data URI of an image.' })
  }
  const page = globalThis as { readonly window?: EventTarget }
  if (!page.window) return () => {}
  const { window } = page
  const detail = Object.freeze({
    info: Object.freeze({ ...info, uuid: info.uuid ?? crypto.randomUUID() }),
    provider,
  })
  const tell = () => void window.dispatchEvent(new CustomEvent(announce, { detail }))
  window.addEventListener(asked, tell)
  tell()
  return () => window.removeEventListener(asked, tell)
}
