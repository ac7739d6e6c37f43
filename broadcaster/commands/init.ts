import { ConfigError } from '../config/config.ts'
import { isLoopbackHost } from '../dashboard/auth/exposure.ts'
import { hashPassword } from '../dashboard/auth/passwordHash.ts'
import { checkRest, type FoundEndpoint, findChain, gatherChains, type Named } from './findChain.ts'
import type { Questions } from './Questions.ts'
import { renderConfig } from './renderConfig.ts'
import type { Setup } from './Setup.ts'
import type { Terminal } from './Terminal.ts'
import { refuseToOverwrite, writeConfig } from './writeConfig.ts'

export interface InitOptions {
  readonly config: string
  readonly force: boolean
  /** Where set, nothing is asked: what no flag says is the default. */
  readonly yes: boolean
  /** `[<CAIP-2 id>=]<url>[#<operator>]` each. */
  readonly chain: readonly string[]
  /** URLs of Cosmos chains' REST APIs. */
  readonly rest: readonly string[]
  readonly mixnet?: 'nym-wasm' | 'nym-socket'
  readonly nymApi?: string
  readonly gateway?: string
  readonly nymSocket?: string
  /** `embedded`, or a URL. */
  readonly store?: string
  readonly host?: string
  readonly port?: string
  readonly passwordHash?: string
  readonly dataDir?: string
}

export const mainnetApi = 'https://validator.nymtech.net/api'
const localSocket = 'ws://127.0.0.1:1977'
const wordOnly = /^[a-zA-Z0-9._-]{1,64}$/

/**
 * Finds out what a configuration needs, from flags and questions, and writes it. Endpoints are asked which chain they are on.
 * Nothing is written before all is known.
 * @throws ConfigError
 */
export async function init(
  options: InitOptions,
  {
    questions,
    terminal,
    signal,
  }: { questions: Questions | undefined; terminal: Terminal; signal: AbortSignal },
): Promise<void> {
  await refuseToOverwrite(options.config, options.force)
  const setup: Setup = {
    chains: gatherChains(
      options.chain.length > 0 || !questions
        ? await chainsOfFlags(options, terminal, signal)
        : await askChains(questions, signal),
    ),
    mixnet: await mixnetOf(options, questions),
    store: await storeOf(options, questions),
    http: await httpOf(options, questions),
    dataDir:
      options.dataDir ??
      (await questions?.ask('Folder for its key, identity and database', { usual: '.veilcast' })) ??
      '.veilcast',
  }
  refuseMixUps(setup)
  signal.throwIfAborted()
  const { keyFile, keyWasThere } = await writeConfig(options.config, renderConfig(setup), options.force)
  const other = options.config === 'veilcast.yaml' ? '' : ` --config ${options.config}`
  terminal.print(`wrote ${options.config}: ${setup.chains.map(({ chain }) => chain).join(', ')}
${keyWasThere ? 'kept' : 'wrote'} ${keyFile}: keep a copy of it, without it the store cannot be read
next:
  veilcast-broadcaster check${other}
  veilcast-broadcaster run${other}
`)
}

/** @throws ConfigError */
function refuseMixUps({ chains }: Setup): void {
  for (const { chain, endpoints } of chains) {
    const operators = new Map(endpoints.map(({ url, operator }) => [url, operator]))
    if (endpoints.every(({ url, operator }) => operators.get(url) === operator)) continue
    throw new ConfigError(`Of ${chain}, one node is named as two operators: it would be its own witness.`)
  }
}

async function chainsOfFlags(
  { chain, rest }: InitOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<readonly FoundEndpoint[]> {
  if (chain.length === 0) {
    throw new ConfigError(
      'No endpoint is named: --chain <url>, as often as you like, as in --chain http://127.0.0.1:8545.',
    )
  }
  const found: FoundEndpoint[] = []
  for (const text of chain) {
    terminal.progress('asking an endpoint which chain it is on ...')
    found.push(await findChain(namedBy(text), signal))
    terminal.progress('')
  }
  for (const { identity, away } of found) {
    if (away) terminal.print(`note: an endpoint of ${identity.chain} ${away}\n`)
  }
  return withRests(found, rest, signal)
}

/** Each REST API goes to the first endpoint of its chain that has none. */
async function withRests(
  found: readonly FoundEndpoint[],
  rests: readonly string[],
  signal: AbortSignal,
): Promise<readonly FoundEndpoint[]> {
  const list = [...found]
  for (const restUrl of rests) {
    const fault = urlFault(restUrl)
    if (fault) throw new ConfigError(`--rest: ${fault}`)
    let place = -1
    for (const [index, { identity, named }] of list.entries()) {
      if (identity.cometChainId === undefined || named.restUrl !== undefined) continue
      const fits = await checkRest(restUrl, identity.cometChainId, signal).then(
        () => true,
        (error: unknown) => {
          if (list.some((one, later) => later > index && one.identity.cometChainId !== undefined))
            return false
          throw error
        },
      )
      if (!fits) continue
      place = index
      break
    }
    const one = list[place]
    if (!one) throw new ConfigError('--rest: no endpoint of a Cosmos chain is left that it could belong to.')
    list[place] = { ...one, named: { ...one.named, restUrl } }
  }
  return list
}

/** `[<CAIP-2 id>=]<url>[#<operator>]` @throws ConfigError */
function namedBy(text: string): Named {
  const chain = /^([a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32})=/.exec(text)?.[1]
  const [url = '', operator] = text.slice(chain === undefined ? 0 : chain.length + 1).split('#')
  const fault = urlFault(url)
  if (fault) throw new ConfigError(`--chain: ${fault}`)
  if (operator !== undefined && !wordOnly.test(operator)) throw new ConfigError(`--chain: ${operatorFault}`)
  return { url, chain, operator }
}

const operatorFault = 'an operator is a word of letters, digits, dots, dashes and underscores'

async function askChains(questions: Questions, signal: AbortSignal): Promise<readonly FoundEndpoint[]> {
  const found: FoundEndpoint[] = []
  questions.say('Nodes of the chains that you serve, by the URL of their RPC; best two of each chain.')
  for (;;) {
    const url = await questions.ask(
      found.length === 0 ? 'Endpoint, as http://127.0.0.1:8545' : 'Another endpoint (empty: no more)',
      { fault: (answer) => (answer === '' && found.length > 0 ? undefined : urlFault(answer)) },
    )
    if (url === '') return found
    let one: FoundEndpoint
    try {
      one = await findChain({ url }, signal)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      questions.say(`  ${error.message} Name another one.`)
      continue
    }
    const { chain, cometChainId } = one.identity
    questions.say(`  It is on ${chain}.`)
    const operator = await questions.ask('  Who runs it? Endpoints of one operator count as one witness', {
      usual: 'me',
      fault: (answer) => (wordOnly.test(answer) ? undefined : operatorFault),
    })
    const restUrl = cometChainId === undefined ? '' : await askRest(questions, cometChainId, signal)
    found.push({ ...one, named: { url, operator, ...(restUrl === '' ? {} : { restUrl }) } })
  }
}

async function askRest(questions: Questions, cometChainId: string, signal: AbortSignal): Promise<string> {
  for (;;) {
    const url = await questions.ask("  The same node's REST API, which wallets may ask (empty: none)", {
      fault: (answer) => (answer === '' ? undefined : urlFault(answer)),
    })
    if (url === '') return ''
    try {
      await checkRest(url, cometChainId, signal)
      return url
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      questions.say(`  ${error.message}`)
    }
  }
}

async function mixnetOf(options: InitOptions, questions: Questions | undefined): Promise<Setup['mixnet']> {
  const transport =
    options.mixnet ??
    (options.nymSocket !== undefined ? 'nym-socket' : undefined) ??
    (options.nymApi !== undefined || options.gateway !== undefined ? 'nym-wasm' : undefined) ??
    (await questions?.ask(
      "Nym client: nym-wasm (inside, nothing to install) or nym-socket (a native nym-client's)",
      {
        usual: 'nym-wasm',
        fault: (answer) => (/^nym-(wasm|socket)$/.test(answer) ? undefined : 'nym-wasm or nym-socket'),
      },
    )) ??
    'nym-wasm'
  if (transport === 'nym-socket') {
    const url =
      options.nymSocket ??
      (await questions?.ask('Its websocket', {
        usual: localSocket,
        fault: (answer) => urlFault(answer, /^wss?:$/, 'a ws or wss URL'),
      })) ??
      localSocket
    return { transport, url }
  }
  const nymApiUrl =
    options.nymApi ??
    (await questions?.ask('Nym API, which tells of the network', { usual: mainnetApi, fault: urlFault })) ??
    mainnetApi
  return {
    transport: 'nym-wasm',
    nymApiUrl,
    ...(options.gateway === undefined ? {} : { preferredGateway: options.gateway }),
  }
}

async function storeOf(options: InitOptions, questions: Questions | undefined): Promise<Setup['store']> {
  const fault = (answer: string): string | undefined =>
    storeNamed(answer) ? undefined : 'embedded, a postgres:// URL or a redis:// URL'
  const answer =
    options.store ??
    (await questions?.ask(
      'Store: embedded (Postgres, inside of the data folder), or a postgres:// or redis:// URL',
      {
        usual: 'embedded',
        fault,
      },
    )) ??
    'embedded'
  const store = storeNamed(answer)
  if (!store) throw new ConfigError(`--store: ${fault(answer)}`)
  return store
}

function storeNamed(text: string): Setup['store'] | undefined {
  if (text === 'embedded') return { kind: 'embedded' }
  if (/^postgres(ql)?:\/\//.test(text)) return { kind: 'postgres', url: text }
  return /^rediss?:\/\//.test(text) ? { kind: 'redis', url: text } : undefined
}

async function httpOf(options: InitOptions, questions: Questions | undefined): Promise<Setup['http']> {
  const host =
    options.host ?? (await questions?.ask('Dashboard on the address', { usual: '127.0.0.1' })) ?? '127.0.0.1'
  const portFault = (answer: string): string | undefined =>
    /^\d{1,5}$/.test(answer) && Number(answer) <= 65_535 ? undefined : 'a port is a number up to 65535'
  const port =
    options.port ?? (await questions?.ask('and the port', { usual: '8645', fault: portFault })) ?? '8645'
  if (portFault(port)) throw new ConfigError(`--port: ${portFault(port)}`)
  const passwordHash =
    options.passwordHash ?? (isLoopbackHost(host) ? undefined : await askPassword(questions))
  return { host, port: Number(port), ...(passwordHash === undefined ? {} : { passwordHash }) }
}

async function askPassword(questions: Questions | undefined): Promise<string> {
  if (!questions) {
    throw new ConfigError(
      'The dashboard can be reached from elsewhere there: give --password-hash with what veilcast-broadcaster hash-password prints.',
    )
  }
  for (;;) {
    const password = await questions.ask('A password for it, since others can reach it', { hidden: true })
    try {
      const hash = await hashPassword(password)
      if ((await questions.ask('Once more', { hidden: true })) === password) return hash
      questions.say('  The two are not the same.')
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      questions.say(`  ${error.message}`)
    }
  }
}

/** No word of the URL, which may hold a key. */
function urlFault(text: string, protocol = /^https?:$/, what = 'an http or https URL'): string | undefined {
  return URL.canParse(text) && protocol.test(new URL(text).protocol) ? undefined : `it has to be ${what}`
}
