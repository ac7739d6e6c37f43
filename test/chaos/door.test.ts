import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback, type Loopback } from '@veilcast/shared/mixnet/loopback'
import { encodeRequest, newRequestId, parseChainId, type SubmitRequest } from '@veilcast/shared/protocol'
import { hexToBytes } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { signEthTransfer } from '../support/devnetSign.ts'
import { anvilSetup, startTestBroadcaster, type TestBroadcaster } from '../support/path.ts'
import { type RawDialer, startRawDialer } from '../support/rawDialer.ts'
import { type StoreServer, startEmbedded } from '../support/store.ts'
import { until } from '../support/until.ts'
import { untilPooled } from '../support/untilPooled.ts'

const limitMs = 60_000

describe('the door, where there is no room', () => {
  let server: StoreServer
  let anvil: Anvil
  let loopback: Loopback
  let broadcaster: TestBroadcaster
  let wallet: RawDialer
  const secret = randomBytes(32)

  beforeAll(async () => {
    server = await startEmbedded()
  }, limitMs)
  afterAll(() => server?.stop(), limitMs)
  beforeEach(async () => {
    anvil = await startAnvil()
    loopback = createLoopback({ seed: 9 })
  })
  afterEach(async () => {
    await wallet?.stop()
    await broadcaster?.stop()
    await anvil?.stop()
  }, limitMs)

  async function open(limits: object, chains = [anvilSetup(anvil)]): Promise<void> {
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener('broadcaster'),
      store: server.open(),
      chains,
      secret,
      limits,
      // Each of these copies is meant.
      copyWindowMs: 0,
    })
    wallet = await startRawDialer(loopback.dialer(), broadcaster.address())
  }

  async function submission(from: { address: `0x${string}`; privateKey: `0x${string}` }, nonce = 0) {
    const to = anvil.accounts[9]!.address
    const signedTx = hexToBytes(await signEthTransfer(anvil, { from, to, valueWei: 1n, nonce }))
    const body: SubmitRequest = {
      kind: 'submit',
      until: 'included',
      everyStage: false,
      notAfter: Math.floor(Date.now() / 1000) + 600,
      chain: parseChainId(anvil.chainId),
      signedTx,
    }
    return body
  }
  const stranger = () => {
    const privateKey = generatePrivateKey()
    return { privateKey, address: privateKeyToAccount(privateKey).address }
  }

  it(
    'a flood of transactions without funds fills the store to its limit and no further; who has funds is served',
    async () => {
      await open({ maxUnsentPerChain: 5 })
      const outcomes: string[] = []
      for (let i = 0; i < 60; i++) {
        const id = newRequestId()
        const message = encodeRequest({ id, surbs: 2, body: await submission(stranger()) })
        const answer = wallet.replyTo(id)
        await wallet.send(message, 2)
        const first = await answer
        if (first.kind === 'failure') outcomes.push(first.error.outcome)
        else await delay(50)
      }
      const kept = await broadcaster.store.records.countUnsent(parseChainId(anvil.chainId), 1000)
      // A count is believed for a second: as many as come in that time more.
      expect(kept).toBeGreaterThanOrEqual(5)
      expect(kept).toBe(60 - outcomes.length)
      expect(outcomes.length).toBeGreaterThan(20)
      // Nothing keeps a copy of such a message from being sent once there are funds.
      expect(new Set(outcomes)).toEqual(new Set(['unknown']))

      const body = await submission(anvil.accounts[0]!)
      const id = newRequestId()
      await wallet.send(encodeRequest({ id, surbs: 3, body }), 3)
      const stages = () =>
        wallet
          .repliesTo(id)
          .map((reply) => (reply.body.kind === 'state' ? reply.body.state.stage : 'failure'))
      await until(() => stages().includes('included'))
      expect(await broadcaster.store.records.countUnsent(parseChainId(anvil.chainId), 3)).toBe(3)
    },
    limitMs,
  )

  it(
    'a copy of a message that was turned away hears the same when there is room, and is not sent; a new message is',
    async () => {
      await anvil.setAutomine(false)
      await open({ maxWaitingPerAccount: 1 })
      const waiting = await wallet.request(await submission(anvil.accounts[1]!, 0))
      expect(waiting).toMatchObject({ kind: 'state' })
      const id = newRequestId()
      const body = await submission(anvil.accounts[1]!, 1)
      const turnedAway = { errorName: 'accountBacklogFull', outcome: 'notSent' }
      await expect(wallet.request(body, id)).rejects.toMatchObject(turnedAway)

      // The three blocks are of use once the first transaction can be in one of them.
      await untilPooled(anvil)
      await anvil.setAutomine(true)
      await anvil.mine(3)
      const chain = parseChainId(anvil.chainId)
      await until(async () => (await broadcaster.store.records.countLive(chain)) === 0)
      await expect(wallet.request(body, id)).rejects.toMatchObject(turnedAway)
      expect(await broadcaster.store.records.countLive(chain)).toBe(0)
      expect(await wallet.request(body)).toMatchObject({ kind: 'state' })
    },
    limitMs,
  )

  it(
    'never says notSent of bytes that were handed over, also where they would not be taken today',
    async () => {
      await anvil.setAutomine(false)
      await open({})
      const body = await submission(anvil.accounts[2]!)
      const id = newRequestId()
      await wallet.send(encodeRequest({ id, surbs: 2, body }), 2)
      await untilPooled(anvil)
      await wallet.stop()
      await broadcaster.stop()

      const other = await startAnvil({ chainId: 31_338 })
      try {
        await open({}, [anvilSetup(other)])
        const never = await submission(anvil.accounts[3]!)
        const refused = { errorName: 'chainNotServed', outcome: 'notSent' }
        await expect(wallet.request(never)).rejects.toMatchObject(refused)
        await expect(wallet.request(body)).rejects.toMatchObject({ ...refused, outcome: 'unknown' })
      } finally {
        await wallet.stop()
        await broadcaster.stop()
        await other.stop()
      }
    },
    limitMs,
  )
})
