import type { Outcome, VeilcastError } from '@veilcast/shared/errors'
import type { BroadcasterInfo } from '../info.ts'
import type { Progress, Receipt } from '../receipt.ts'

const outcomes: Readonly<Record<Outcome, string>> = {
  notSent: 'not sent: it is safe to sign again',
  unknown:
    'unknown: it may still land; ask for its status, or submit the same bytes again, before you sign another',
  onChain: 'decided on chain',
}

/** JSON with integers beyond 2^53 as decimal strings and bytes as 0x hex. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) =>
    typeof field === 'bigint' ? field.toString() : field instanceof Uint8Array ? hex(field) : field,
  )
}

export function describeProgress({ stage, state, broadcaster, requestId, reason }: Progress): string {
  switch (stage) {
    case 'sending':
      return `sending, request ${requestId}`
    case 'repeating':
      return 'no answer yet: asked again'
    case 'failover':
      return `broadcaster ${broadcaster} is next, request ${requestId}${reason ? `: ${reason.shortMessage}` : ''}`
    default:
      if (state?.stage === 'accepted') return `accepted (${state.durability})`
      if (state?.stage === 'submitted' && state.rejection)
        return 'submitted, and an endpoint spoke against it'
      if (state && 'inclusion' in state) return `${stage} in block ${state.inclusion.height}`
      return stage
  }
}

export function receiptTable(receipt: Receipt, tookMs: number): string {
  const { state, messages } = receipt
  const rows: [string, string | number | bigint][] = [
    ['transaction', receipt.txId],
    ['stage', receipt.durability ? `${receipt.stage} (accepted: ${receipt.durability})` : receipt.stage],
  ]
  if ('inclusion' in state) {
    const { inclusion } = state
    rows.push(['block', `${inclusion.height} ${hex(inclusion.blockHash)}`])
    if (inclusion.family === 'evm') {
      const data = inclusion.revertData.length > 0 ? `, data ${hex(inclusion.revertData)}` : ''
      rows.push(['status', inclusion.ok ? 'success' : `reverted${data}`])
      rows.push(['gas', `${inclusion.gasUsed} used at ${inclusion.effectiveGasPrice} wei`])
    } else {
      const failed = `failed with code ${inclusion.code} ${inclusion.codespace}`
      rows.push(['status', inclusion.code === 0 ? 'success' : failed])
      rows.push(['gas', `${inclusion.gasUsed} used of ${inclusion.gasWanted}`])
    }
  }
  rows.push(['request', receipt.requestId])
  rows.push(['broadcaster', receipt.broadcaster])
  rows.push([
    'up',
    `${count(messages.sent, 'message')}, ${count(messages.packetsUp, 'packet')}, ${count(messages.surbs, 'SURB')}`,
  ])
  rows.push(['back', count(messages.received, 'reply', 'replies')])
  rows.push(['took', `${(tookMs / 1000).toFixed(2)} s`])
  return table(rows)
}

export function infoTable(info: BroadcasterInfo): string {
  const rows: [string, string | number][] = [
    ['broadcaster', info.broadcaster],
    ['clock', new Date(info.now * 1000).toISOString()],
    ['accepts', `notAfter up to ${info.maxNotAfterSeconds} s ahead; durability ${info.durability}`],
    ['remembers', `${info.retentionSeconds} s after the end`],
    ['round trip', `${(info.roundTripMs / 1000).toFixed(2)} s`],
  ]
  for (const { chain, live, finality, confirmations, height, maxTransactionBytes } of info.chains) {
    const rule = finality === 'confirmations' ? `${confirmations} confirmations` : finality
    rows.push([
      chain,
      `${live ? 'live' : 'no live endpoint'}, block ${height}, final by ${rule}, up to ${maxTransactionBytes} bytes`,
    ])
  }
  return table(rows)
}

const enteredAs = {
  evm: 'RPC URL: MetaMask, Rabby, viem, ethers, cast',
  cosmos: 'RPC and REST (LCD): Keplr, Leap, CosmJS, --node of the command line',
} as const

/** What to enter in which wallet. */
export function endpointTable(
  url: string,
  chains: readonly { readonly chain: string; readonly family: 'evm' | 'cosmos'; readonly url: string }[],
): string {
  const rows = chains.flatMap(({ chain, family, url }): [string, string][] => [
    [chain, url],
    ['', enteredAs[family]],
  ])
  return table([['page', `${url}/`], ...rows])
}

/** `requestId` is the last one that was used, so that its status can be asked for. */
export function errorText(error: VeilcastError, requestId: string | undefined): string {
  const [fix] = error.metaMessages
  const lines = [
    `veilcast: ${error.shortMessage}`,
    ...(error.details ? [error.details] : []),
    ...(fix && error.errorName !== 'invalidArgument' ? [fix] : []),
    ...(error.errorName === 'invalidArgument' ? [] : [`Outcome ${outcomes[error.outcome]}.`]),
  ]
  if (requestId && error.outcome === 'unknown') lines.push(`Its status: veilcast status ${requestId}`)
  return lines.join('\n  ')
}

export function errorJson(
  error: VeilcastError,
  requestId: string | undefined,
  txId: string | undefined,
): string {
  const { errorName, outcome, retry, code, shortMessage, details, values, label } = error
  return toJson({
    error: { name: errorName, outcome, retry, code, message: shortMessage, details, values, label },
    requestId,
    txId,
  })
}

function table(rows: readonly (readonly [string, string | number | bigint])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`
}
