import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createClient, type Receipt, type VeilcastClient } from '@veilcast/client'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { encodeReply, type Reply, type ReplyBody, type RequestId, type TxId } from '@veilcast/shared/protocol'
import fc from 'fast-check'
import {
  accepted,
  createPushDialer,
  final,
  included,
  patient,
  signTransfer,
  submitted,
} from '../support/client.ts'

const incarnation = new Uint8Array(8).fill(1)
const foreign = new Uint8Array(32).fill(0xee) as TxId
const turn = () => new Promise((resolve) => setImmediate(resolve))

let dialer: ReturnType<typeof createPushDialer>
let client: VeilcastClient
let hash: TxId
let id: RequestId
let result: Promise<Receipt | Error>
let settled: boolean

const state = (of: object, more: Partial<Reply> & { txId?: TxId } = {}) => {
  const { txId = hash, ...fields } = more
  const body = { kind: 'state', txId, state: of } as ReplyBody
  return encodeReply({ id, incarnation, number: 5, body, ...fields })
}

describe('replies that nobody should believe', () => {
  beforeEach(async () => {
    dialer = createPushDialer()
    const address = await loopbackAddress()
    client = createClient({ mixnet: dialer, broadcasters: [address], timing: patient })
    await client.start()
    const transfer = await signTransfer()
    hash = transfer.hash
    settled = false
    result = client
      .submit({ chain: transfer.chain, signedTx: transfer.signedTx, until: 'final' })
      .catch((error: Error) => error)
    result.then(() => {
      settled = true
    })
    id = dialer.sent[0]!.id
  })
  afterEach(() => client.stop())

  const ends = async () => {
    dialer.push(state(final))
    expect(await result).toMatchObject({ stage: 'final' })
  }

  it('default: each of them is counted, and none of them counts', async () => {
    const id = new Uint8Array(16) as RequestId
    const info = {
      now: 0,
      maxNotAfterSeconds: 0,
      retentionSeconds: 0,
      durability: 'fsync',
      chains: [],
    } as const
    for (const bytes of [
      new Uint8Array(),
      new Uint8Array(60).fill(1),
      state(final).slice(0, -1),
      Uint8Array.of(...state(final), 0),
      state(final, { id }),
      state(final, { txId: foreign }),
      state(final, { number: 0 }),
      state({ stage: 'final' }, { body: { kind: 'results', packing: 'plain', answers: new Uint8Array() } }),
      state({ stage: 'final' }, { body: { kind: 'info', ...info } }),
    ]) {
      dialer.push(bytes)
    }
    await turn()
    expect(settled).toBe(false)
    expect(client.ignored).toEqual({ garbage: 4, unasked: 1, unfit: 4 })
    await ends()
  })

  it("behavior: a reply that comes after the end is nobody's", async () => {
    await ends()
    dialer.push(state(included, { number: 9 }))
    await turn()
    expect(client.ignored.unasked).toBe(1)
  })

  it('property: random bytes settle nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        dialer.push(bytes)
        await turn()
        expect(settled).toBe(false)
      }),
      { numRuns: 300 },
    )
    await ends()
  })

  it('property: an `accepted` with one byte changed never becomes the end', async () => {
    const truth = state(accepted)
    await fc.assert(
      fc.asyncProperty(fc.nat(truth.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = truth.slice()
        bytes[at]! ^= flip
        dialer.push(bytes)
        await turn()
        expect(settled).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  it("property: in whatever order a transaction's states come, the wallet hears them rising, to the last", async () => {
    const history = [accepted, submitted, included, submitted, included, final]
    const { chain, signedTx } = await signTransfer()
    const orders = fc
      .tuple(fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 0 }), fc.array(fc.nat(4), { maxLength: 5 }))
      .map(([once, again]) => [...once, ...again, 5])
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        const heard: number[] = []
        const before = dialer.sent.length
        const followed = client.submit(
          { chain, signedTx, until: 'final', everyStage: true },
          {
            onProgress: ({ stage }) =>
              stage !== 'sending' && heard.push(history.findIndex((one) => one.stage === stage)),
          },
        )
        await turn()
        const { id } = dialer.sent[before]!
        for (const index of order) dialer.push(state(history[index]!, { id, number: index + 1 }))
        expect((await followed).stage).toBe('final')
        const rising = order.filter((index, at) => order.slice(0, at).every((earlier) => earlier < index))
        expect(heard).toEqual(
          rising.map((index) => history.findIndex((one) => one.stage === history[index]!.stage)),
        )
      }),
      { numRuns: 200 },
    )
  })
})

async function loopbackAddress(): Promise<string> {
  const listener = createLoopback().listener()
  await listener.start()
  const address = listener.address()
  await listener.stop()
  return address
}
