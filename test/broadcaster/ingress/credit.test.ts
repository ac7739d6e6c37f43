import { afterEach, describe, expect, it } from '@jest/globals'
import { createLogger } from '@veilcast/broadcaster'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import {
  type ChainId,
  decodeReply,
  encodeRequest,
  newRequestId,
  type SubmitRequest,
} from '@veilcast/shared/protocol'
import { type Asker, createAskers } from '../../../broadcaster/dist/ingress/askers.js'
import { createIngress } from '../../../broadcaster/dist/ingress/listen.js'
import { createReplier } from '../../../broadcaster/dist/ingress/replier.js'
import { createMetrics } from '../../../broadcaster/dist/observability/metrics.js'
import type { TxKey, TxStore } from '../../../broadcaster/dist/store/TxStore.js'
import { readFrom } from '../../support/mixnetReader.ts'

const key = 'a'.repeat(26) as TxKey
const body: SubmitRequest = {
  kind: 'submit',
  until: 'included',
  everyStage: false,
  notAfter: 1_800_000_000,
  chain: 'eip155:1' as ChainId,
  signedTx: Uint8Array.of(1),
}

/** The door over a loopback, with an `admit` of the test's own. */
async function openDoor(fails: (attempt: number, when: 'before' | 'after') => boolean) {
  const mixnet = createLoopback({ seed: 3 })
  const [listener, dialer] = [mixnet.listener(), mixnet.dialer()]
  await Promise.all([listener.start(), dialer.start()])
  const askers = createAskers()
  const metrics = createMetrics()
  const logger = createLogger('silent')
  let attempts = 0
  const ingress = createIngress({
    listeners: [listener],
    chains: new Map(),
    records: {} as TxStore,
    askers,
    replier: createReplier({ incarnation: () => new Uint8Array(8), metrics, logger }),
    async admit({ id, surbs }, path) {
      attempts += 1
      if (fails(attempts, 'before')) throw new Error('unforeseen')
      const asker = askers.register({
        id,
        path,
        key,
        until: 'included',
        everyStage: false,
        surbs,
        nowMs: Date.now(),
      })
      if (fails(attempts, 'after')) throw new Error('unforeseen')
      if (typeof asker !== 'string') asker.answering = true
      return 'told'
    },
    answerStatus: async () => 'told',
    retentionSeconds: 1,
    copyWindowMs: 1000,
    metrics,
    logger,
  })
  ingress.start()
  const replies = readFrom(dialer.replies())
  stop = async () => {
    await ingress.stop()
    await Promise.all([listener.stop(), dialer.stop()])
  }
  return {
    mixnet,
    send: (id: ReturnType<typeof newRequestId>, surbs: number) =>
      dialer.send(listener.address(), encodeRequest({ id, surbs, body }), surbs),
    nextReply: async () => decodeReply(await replies.next()),
    asker: (): Asker | undefined => askers.of(key)[0],
    copies: async () =>
      (await metrics.requests.get()).values.find(({ labels }) => labels.kind === 'copy')?.value,
    attempts: () => attempts,
  }
}

let stop = async () => {}
afterEach(() => stop())

describe('the credit of a request', () => {
  it('a failure after the asker was registered is paid for by that asker', async () => {
    const door = await openDoor((attempt, when) => attempt === 1 && when === 'after')
    const id = newRequestId()
    await door.send(id, 3)
    expect((await door.nextReply()).body.kind).toBe('failure')
    // Three SURBs came, one is spent; and news that come now are told.
    expect(door.asker()).toMatchObject({ credit: 2, answering: true })
    await door.send(id, 2)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(door.asker()?.credit).toBe(4)
  })

  it('one before it is paid for by the message itself, whose SURBs no asker has', async () => {
    const door = await openDoor((attempt, when) => attempt === 2 && when === 'before')
    const id = newRequestId()
    await door.send(id, 3)
    await door.send(id, 2)
    expect((await door.nextReply()).body.kind).toBe('failure')
    expect(door.asker()?.credit).toBe(3)
  })

  it('a copy that the network made brings none, and is not answered', async () => {
    const door = await openDoor(() => false)
    door.mixnet.set({ duplication: 1 })
    await door.send(newRequestId(), 3)
    door.mixnet.set({})
    while ((await door.copies()) !== 1) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(door.attempts()).toBe(1)
    expect(door.asker()?.credit).toBe(3)
  })
})
