import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { createClient, type Progress, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { wireError } from '@veilcast/shared/errors'
import type { MixnetListener, SenderTag } from '@veilcast/shared/mixnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import {
  decodeRequest,
  encodeReply,
  newRequestId,
  type ReplyBody,
  type Request,
  type RequestId,
  type TxId,
  type TxState,
} from '@veilcast/shared/protocol'
import { hexToBytes, keccak256 } from 'viem'
import { signEthTransfer } from '../support/devnetSign.ts'
import {
  anvilSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  type TestBroadcaster,
} from '../support/path.ts'

/** What one that lies may say to a request; `hash` is the transaction's. */
type Lies = (
  request: Request,
  hash: TxId,
) => { body: ReplyBody; id?: RequestId; number?: number }[] | Uint8Array[]

const inclusion = {
  family: 'evm',
  height: 1n,
  blockHash: new Uint8Array(32),
  transactionIndex: 0,
  ok: true,
  gasUsed: 21_000n,
  effectiveGasPrice: 1n,
  revertData: new Uint8Array(),
} as const
const final: TxState = { stage: 'final', inclusion }
const foreign = new Uint8Array(32).fill(0xee) as TxId
const state = (txId: TxId, state: TxState): ReplyBody => ({ kind: 'state', txId, state })

const liars: readonly { name: string; lies: Lies }[] = [
  { name: 'that is silent', lies: () => [] },
  {
    name: "that answers under another's request id",
    lies: (_, hash) => [{ body: state(hash, final), id: newRequestId() }],
  },
  { name: 'that answers about another transaction', lies: () => [{ body: state(foreign, final) }] },
  { name: 'that answers with number 0', lies: (_, hash) => [{ body: state(hash, final), number: 0 }] },
  {
    name: 'that answers what was not asked',
    lies: () => [{ body: { kind: 'results', packing: 'plain', answers: new Uint8Array(9) } }],
  },
  { name: 'that answers garbage', lies: () => [new Uint8Array(), new Uint8Array(200).fill(7)] },
  {
    name: 'that knows no such chain',
    lies: () => [{ body: { kind: 'failure', error: wireError('chainNotServed') } }],
  },
]

describe('a broadcaster first in the list', () => {
  let anvil: Anvil
  let broadcaster: TestBroadcaster
  let folder: Awaited<ReturnType<typeof makeFolder>>
  const loopback = createLoopback({ seed: 6 })
  const stopping: { stop(): Promise<void> }[] = []
  let nonce = 0

  beforeAll(async () => {
    folder = await makeFolder()
    anvil = await startAnvil({ blockTimeMs: 200 })
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [anvilSetup(anvil)],
    })
  }, 60_000)
  afterEach(async () => {
    for (const one of stopping.splice(0)) await one.stop()
  })
  afterAll(async () => {
    await broadcaster?.stop()
    await anvil?.stop()
    await folder?.remove()
  })

  it.each(liars)('$name changes nothing: the next one brings it on chain', async ({ lies }) => {
    const signedTx = await signEthTransfer(anvil, {
      from: anvil.accounts[0]!,
      to: anvil.accounts[1]!.address,
      valueWei: 1n,
      nonce: nonce++,
    })
    const liar = loopback.listener()
    const client = await open(liar)
    void lie(liar, lies, hexToBytes(keccak256(signedTx)) as TxId)
    const progress: Progress[] = []
    const receipt = await client.submit(
      { chain: anvil.chainId, signedTx },
      { onProgress: (event) => progress.push(event) },
    )
    expect(receipt).toMatchObject({ broadcaster: 1, ok: true, txId: keccak256(signedTx) })
    const onChain = await anvil.rpc<{ blockNumber: string }>('eth_getTransactionReceipt', [receipt.txId])
    expect(receipt.state).toMatchObject({ inclusion: { height: BigInt(onChain.blockNumber) } })
    // Nothing that it said was told to the caller as a stage of the transaction.
    const toldByLiar = progress.filter(({ broadcaster, state }) => broadcaster === 0 && state)
    expect(toldByLiar).toEqual([])
  })

  async function open(liar: MixnetListener): Promise<VeilcastClient> {
    await liar.start()
    const client = createClient({
      mixnet: loopback.dialer(),
      broadcasters: [liar.address(), broadcaster.address()],
      timing: { firstRepeatMs: 100, maxRepeatMs: 200 },
    })
    await client.start()
    stopping.push(client, liar)
    return client
  }
})

async function lie(liar: MixnetListener, lies: Lies, hash: TxId): Promise<void> {
  for await (const { payload, replyTo } of liar.requests()) {
    const request = decodeRequest(payload)
    for (const one of lies(request, hash)) {
      const bytes =
        one instanceof Uint8Array
          ? one
          : encodeReply({ id: request.id, incarnation: new Uint8Array(8), number: 1, ...one })
      await liar.reply(replyTo as SenderTag, bytes).catch(() => {})
    }
  }
}
