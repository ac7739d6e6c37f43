import type { Receipt, VeilcastClient } from '@veilcast/client'
import { say } from './say.ts'
import type { Stack } from './startStack.ts'

/** One transaction's way, with what it cost as the local network counted it. */
export interface Sent {
  readonly name: string
  readonly chain: string
  readonly signedBytes: number
  /** Milliseconds after the start of the submit, in the order in which they were heard. */
  readonly stages: readonly { readonly stage: string; readonly afterMs: number }[]
  readonly receipt: Receipt
  /** Data packets that the wallet's gateway took from the wallet. */
  readonly packetsUp: number
  /** Data packets that the broadcaster answered with: each spent a SURB. */
  readonly replyPackets: number
}

/** Cover traffic and messages to oneself are not counted: only packets between the wallet and the broadcaster. */
function dataPackets({ localnet, broadcaster }: Stack): { up: number; replies: number } {
  const broadcasterId = broadcaster.address.split('.', 1)[0] ?? ''
  let up = 0
  for (const [id, counters] of Object.entries(localnet.counters().clients)) {
    if (id !== broadcasterId) up += counters.dataPacketsUp
  }
  return { up, replies: localnet.countersOf(broadcaster.address).dataPacketsUp }
}

export async function sendPrivately(
  stack: Stack,
  client: VeilcastClient,
  name: string,
  chain: string,
  signedTx: Uint8Array,
  signal: AbortSignal,
): Promise<Sent> {
  const before = dataPackets(stack)
  const startMs = performance.now()
  const stages: { stage: string; afterMs: number }[] = []
  say(`${name}: ${signedTx.length} signed bytes into the mixnet`)
  const receipt = await client.submit(
    { chain, signedTx, until: 'included' },
    {
      signal,
      onProgress({ stage }) {
        const afterMs = performance.now() - startMs
        stages.push({ stage, afterMs })
        say(`${name}: ${stage} after ${Math.round(afterMs)} ms`)
      },
    },
  )
  const after = dataPackets(stack)
  return {
    name,
    chain,
    signedBytes: signedTx.length,
    stages,
    receipt,
    packetsUp: after.up - before.up,
    replyPackets: after.replies - before.replies,
  }
}
