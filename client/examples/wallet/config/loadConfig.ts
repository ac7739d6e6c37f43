import { ConfigError, parseConfig } from './parseConfig.ts'
import type { WalletConfig } from './WalletConfig.ts'

export interface LoadedConfig {
  readonly config: WalletConfig
  /** `link`: whoever made the link that was followed chose the broadcaster. */
  readonly source: 'file' | 'link'
}

const maxConfigBytes = 65_536

/**
 * The config in the page's address, `?config=<JSON>`, else the file config.json beside the page.
 *
 * @throws ConfigError
 */
export async function loadConfig(page: URL, signal: AbortSignal): Promise<LoadedConfig> {
  const inLink = page.searchParams.get('config')
  if (inLink !== null) return { config: parseText(inLink, 'The config in the address'), source: 'link' }
  const response = await fetch(new URL('./config.json', page), { signal, cache: 'no-store' }).catch(() => {
    if (signal.aborted) throw signal.reason
    throw new ConfigError('config.json cannot be loaded: the server of this page does not answer.')
  })
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  if (!response.ok || !isJson) throw new ConfigError('There is no config.json beside this page.')
  return { config: parseText(await response.text(), 'config.json'), source: 'file' }
}

function parseText(text: string, what: string): WalletConfig {
  if (text.length > maxConfigBytes) throw new ConfigError(`${what} is longer than ${maxConfigBytes} bytes.`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ConfigError(`${what} is no JSON.`)
  }
  return parseConfig(value)
}
