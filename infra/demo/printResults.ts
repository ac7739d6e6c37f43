import type { TxState } from '@veilcast/shared/protocol'
import { table } from './say.ts'
import type { Sent } from './sendPrivately.ts'

/** The receipts, and what they cost. */
export function printResults(sent: readonly Sent[]): void {
  const row = (head: string, cell: (one: Sent) => string): string[] => [head, ...sent.map(cell)]
  const after = (one: Sent, stage: string): string => {
    const heard = one.stages.find((entry) => entry.stage === stage)
    return heard ? `${Math.round(heard.afterMs)} ms` : '-'
  }
  process.stdout.write(
    `\n${table([
      ['', ...sent.map(({ name }) => name)],
      row('chain', ({ chain }) => chain),
      row('transaction', ({ receipt }) => `${receipt.txId.slice(0, 10)}…${receipt.txId.slice(-6)}`),
      row('result', ({ receipt }) => (receipt.ok ? 'success' : 'failed on chain')),
      row('in block', ({ receipt }) => height(receipt.state)),
      row('gas used', ({ receipt }) => gasUsed(receipt.state)),
      row('accepted after', (one) => after(one, 'accepted')),
      row('included after', (one) => after(one, 'included')),
      row('signed bytes', ({ signedBytes }) => String(signedBytes)),
      row('packets up', ({ packetsUp }) => String(packetsUp)),
      row('SURBs in them', ({ receipt }) => String(receipt.messages.surbs)),
      row('replies heard', ({ receipt }) => String(receipt.messages.received)),
      row('reply packets (SURBs spent)', ({ replyPackets }) => String(replyPackets)),
    ])}\n${note(sent)}\n`,
  )
}

/** The network counts what came: also what Nym's client sends once more where an acknowledgement is slow to come back. */
function note(sent: readonly Sent[]): string {
  const surplus = sent.reduce(
    (sum, { packetsUp, replyPackets, receipt: { messages } }) =>
      sum + packetsUp - messages.packetsUp + replyPackets - messages.received,
    0,
  )
  return surplus > 0
    ? `\n  Sent once more by Nym's client, on a busy machine: ${surplus} of these packets.\n`
    : ''
}

function height(state: TxState): string {
  return 'inclusion' in state ? String(state.inclusion.height) : '-'
}

function gasUsed(state: TxState): string {
  return 'inclusion' in state ? String(state.inclusion.gasUsed) : '-'
}
