import type { ChainConfig, WalletConfig } from './WalletConfig.ts'

/** Names the field that is wrong, for who wrote it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

const maxBroadcasters = 32
const maxChains = 16

/** @throws ConfigError */
export function parseConfig(value: unknown): WalletConfig {
  const config = record(value, 'The config')
  known(config, ['nymApiUrl', 'gateway', 'gatewayUrl', 'broadcasters', 'chains'], '')
  if (config.gatewayUrl !== undefined) url(config.gatewayUrl, 'gatewayUrl', ['wss:', 'ws:'])
  return {
    nymApiUrl: url(config.nymApiUrl, 'nymApiUrl', ['https:', 'http:']),
    gateway:
      config.gateway === undefined
        ? undefined
        : text(config.gateway, 'gateway', /^[1-9A-HJ-NP-Za-km-z]{32,44}$/, 'a gateway’s identity in base58'),
    broadcasters: list(config.broadcasters, 'broadcasters', maxBroadcasters).map((item, index) =>
      text(
        item,
        `broadcasters[${index}]`,
        /^[1-9A-HJ-NP-Za-km-z]{32,44}\.[1-9A-HJ-NP-Za-km-z]{32,44}@[1-9A-HJ-NP-Za-km-z]{32,44}$/,
        'a Nym address: <identity>.<encryption key>@<gateway>',
      ),
    ),
    chains: distinct(list(config.chains, 'chains', maxChains).map(parseChain)),
  }
}

function parseChain(value: unknown, index: number): ChainConfig {
  const at = `chains[${index}]`
  const entry = record(value, at)
  const chain = text(
    entry.chain,
    `${at}.chain`,
    /^(eip155:[1-9]\d{0,14}|cosmos:[-a-zA-Z0-9]{1,32})$/,
    'eip155:<number> or cosmos:<chain id>',
  )
  const common = {
    chain,
    name: text(entry.name, `${at}.name`, /^.{1,40}$/, '1 to 40 characters'),
    symbol: text(entry.symbol, `${at}.symbol`, /^[A-Za-z0-9.]{1,12}$/, '1 to 12 letters or digits'),
    decimals: whole(entry.decimals, `${at}.decimals`, 36),
  }
  const reference = chain.slice(chain.indexOf(':') + 1)
  if (chain.startsWith('eip155:')) {
    known(entry, ['chain', 'name', 'symbol', 'decimals'], `${at}.`)
    return { family: 'evm', ...common, chainId: Number(reference) }
  }
  known(entry, ['chain', 'name', 'symbol', 'decimals', 'denom', 'bech32Prefix', 'gasPrice'], `${at}.`)
  return {
    family: 'cosmos',
    ...common,
    chainId: reference,
    denom: text(entry.denom, `${at}.denom`, /^[a-zA-Z][a-zA-Z0-9/:._-]{2,127}$/, 'a denom: uatom'),
    bech32Prefix: text(entry.bech32Prefix, `${at}.bech32Prefix`, /^[a-z][a-z0-9]{0,19}$/, 'a prefix: cosmos'),
    gasPrice: text(entry.gasPrice, `${at}.gasPrice`, /^\d{1,9}(\.\d{1,18})?$/, 'a decimal number: "0.025"'),
  }
}

function distinct(chains: readonly ChainConfig[]): readonly ChainConfig[] {
  if (new Set(chains.map(({ chain }) => chain)).size < chains.length) {
    throw new ConfigError('chains: names one twice.')
  }
  return chains
}

function record(value: unknown, at: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new ConfigError(`${at}: is no JSON object.`)
}

function known(value: Record<string, unknown>, names: readonly string[], at: string): void {
  const unknown = Object.keys(value).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new ConfigError(`${at}${unknown}: unknown. Known are ${names.join(', ')}.`)
}

function list(value: unknown, at: string, max: number): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0 && value.length <= max) return value
  throw new ConfigError(`${at}: is no list of 1 to ${max}.`)
}

function text(value: unknown, at: string, pattern: RegExp, what: string): string {
  if (value === undefined) throw new ConfigError(`${at}: is missing; it is ${what}.`)
  if (typeof value === 'string' && pattern.test(value)) return value
  throw new ConfigError(`${at}: is not ${what}.`)
}

function whole(value: unknown, at: string, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) return value
  throw new ConfigError(`${at}: is no whole number from 0 to ${max}.`)
}

function url(value: unknown, at: string, protocols: readonly string[]): string {
  const what = `a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`
  if (value === undefined) throw new ConfigError(`${at}: is missing; it is ${what}.`)
  if (typeof value !== 'string' || !URL.canParse(value) || !protocols.includes(new URL(value).protocol)) {
    throw new ConfigError(`${at}: is not ${what}.`)
  }
  return value
}
