import { stringify } from 'yaml'
import type { Setup, SetupChain, SetupEndpoint } from './Setup.ts'

/** `veilcast.yaml` with a word about each part, for who opens it for the first time. */
export function renderConfig({ dataDir, mixnet, store, chains, http }: Setup): string {
  return `# The configuration of a Veilcast broadcaster, written by veilcast-broadcaster init.
#   veilcast-broadcaster check    tries everything that is named here
#   veilcast-broadcaster run      runs it
# Any text may stand elsewhere: { file: path } or { env: NAME }. Every key is explained in docs/configuration.md.

# Key file, Nym identity and embedded Postgres; relative to this file. Keep a copy of its veilcast.key: without it the store
# cannot be read.
dataDir: ${word(dataDir)}

# How wallets reach you: the address that \`run\` prints is where they send to.
mixnet:
${mixnetLines(mixnet)}

# Where transactions are kept until their end, and a while longer.
store: ${flow(store)}

# Each chain with its nodes. Endpoints of one \`operator\` count as one witness: with two operators, a receipt that was looked up
# counts when both have it.
chains:
${chains.map(chainLines).join('\n')}

# Dashboard, health and metrics.
http:
  host: ${word(http.host)}
  port: ${http.port}
${http.passwordHash === undefined ? '' : `  auth:\n    passwordHash: ${text(http.passwordHash)}\n`}
# How long the outcome of a transaction can be asked for after its end. The shorter, the less there is to find.
# retentionSeconds: 86400
# logLevel: info
`
}

function mixnetLines(mixnet: Setup['mixnet']): string {
  if (mixnet.transport === 'nym-socket') {
    return `  # A native nym-client that runs beside this process.
  transport: nym-socket
  url: ${text(mixnet.url)}`
  }
  const gateway = mixnet.preferredGateway
  return `  # Nym's own client, inside of this process. A native nym-client: { transport: nym-socket, url: ws://127.0.0.1:1977 }
  transport: nym-wasm
  nymApiUrl: ${text(mixnet.nymApiUrl)}${gateway === undefined ? '' : `\n  preferredGateway: ${text(gateway)}`}`
}

function chainLines({ chain, cometChainId, bech32Prefix, finality, endpoints }: SetupChain): string {
  return [
    `  - chain: ${text(chain)}`,
    ...(cometChainId === undefined ? [] : [`    cometChainId: ${text(cometChainId)}`]),
    ...(bech32Prefix === undefined ? [] : [`    bech32Prefix: ${word(bech32Prefix)}`]),
    ...finalityLines(finality),
    '    endpoints:',
    ...endpoints.map(endpointLine),
  ].join('\n')
}

function finalityLines(finality: SetupChain['finality']): readonly string[] {
  switch (finality) {
    case undefined:
      return []
    case 'finalized':
      return ["    finality: { rule: finalized } # up to the chain's own finalized block"]
    case 'confirmations':
      return [
        '    # It names no finalized block: choose how many blocks on top you trust.',
        '    finality: { rule: confirmations, confirmations: 12 }',
      ]
    case 'instant':
      return ['    finality: { rule: instant } # a chain of your own machine: final once it is in a block']
  }
}

function endpointLine({ id, operator, url, restUrl }: SetupEndpoint): string {
  const rest = restUrl === undefined ? '' : `, restUrl: ${text(restUrl)}`
  return `      - { id: ${word(id)}, operator: ${word(operator)}, url: ${text(url)}${rest} }`
}

const flow = (store: Setup['store']): string =>
  store.kind === 'embedded' ? '{ kind: embedded }' : `{ kind: ${store.kind}, url: ${text(store.url)} }`

/** Plain where YAML takes it so. */
const word = (value: string): string =>
  /^[A-Za-z_./][A-Za-z0-9_./-]*$/.test(value) ? stringify(value).trim() : text(value)

/** JSON is YAML, also within braces. */
const text = (value: string): string => JSON.stringify(value)
