import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import type { MixnetAddress, MixnetDialer, MixnetListener } from '@veilcast/shared/mixnet'
import { createNymWasmDialer, createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'
import { hexToBytes } from 'viem'
import { signEthTransfer } from '../support/devnetSign.ts'
import { type ChainSetup, embeddedStore, makeFolder, startTestBroadcaster } from '../support/path.ts'
import type { Bench, BenchContext, EcdfChart, Ratio, Table } from './Bench.ts'
import { pairedRatio, quantile } from './quantile.ts'
import { nymWasmOf } from './runBroadcaster.ts'
import { type NetworkPlace, startLocalnetThread } from './startLocalnetThread.ts'
import { type Stops, withStops } from './stops.ts'
import { watchProcessors } from './watchProcessors.ts'

/** Time for what a submit sets going beyond its answer: it would slow down the echo that comes next. */
const pauseMs = 60
const sampleLimitMs = 60_000

export const latency: Bench = {
  name: 'latency',
  title: 'Submit to `accepted` over the local Nym network',
  question: `How long a wallet waits until a broadcaster has durably taken a signed EIP-1559 transfer, beside the time that
the network itself needs: an echo that answers at once. Both are asked by the same wallet client, in pairs, one after the
other, the order within each pair drawn at random; each message has the same length and SURBs as the other's, there and back.
Both are answered by one service: two clients, Nym's own, with its delays (15 ms mean at each of the three mixes) and with
cover traffic on; with pacing, as by default, a packet leaves every 20 ms on average. The broadcaster is on embedded
Postgres, before an anvil that makes a block a second. Intervals are 95 %, by bootstrap over the pairs.`,
  async run(context) {
    const pairs = context.quick ? 40 : 500
    const paced = await measure(context, pairs, true)
    const unpaced = await measure(context, pairs, false)
    return {
      tables: [tableOf(paced, unpaced)],
      ratios: [
        ratioOf('accepted, pacing on, p50', paced, 0.5),
        ratioOf('accepted, pacing off, p50', unpaced, 0.5),
      ],
      charts: [chartOf('paced', 'pacing on', paced), chartOf('unpaced', 'pacing off', unpaced)],
      notes: [
        `At the 95th percentile the ratio is ${spoken(paced)} with pacing and ${spoken(unpaced)} without.`,
        `Each request has ${paced.requestBytes} bytes and ${paced.surbs} SURBs, each answer ${paced.replyBytes} bytes: a packet each.`,
        `The processors were ${percent(paced.busy)} busy with pacing and ${percent(unpaced.busy)} without${
          Math.max(paced.busy, unpaced.busy) > tooBusy ? ': too busy for these figures to mean much.' : '.'
        }`,
      ],
      leftOut: [],
    }
  },
}

interface Measured {
  readonly echoMs: readonly number[]
  readonly acceptedMs: readonly number[]
  readonly requestBytes: number
  readonly replyBytes: number
  readonly surbs: number
  /** Share of the machine's processors, 0 to 1, while it was measured. */
  readonly busy: number
}

function measure(context: BenchContext, pairs: number, pacing: boolean): Promise<Measured> {
  return withStops(async (stops) => {
    const { say, signal, quick } = context
    const localnet = await startLocalnetThread()
    stops.add(localnet.stop)
    // A quick run is for any machine, and loop cover would be a tenth more packets.
    const traffic = { ...nymWasmOf(localnet), disablePacing: !pacing, disableCoverTraffic: quick }
    const anvil = await startAnvil({ blockTimeMs: 1000, signal })
    stops.add(anvil.stop)
    const folder = await makeFolder()
    stops.add(folder.remove)
    const service = await startTestBroadcaster({
      listener: withEcho(createNymWasmListener(traffic)),
      store: embeddedStore(folder.path),
      chains: [chainOf(anvil)],
    })
    stops.add(service.stop)
    const address = service.address()
    const wallet = await startWallet(traffic, address, stops, signal)
    const transfers = await signTransfers(anvil, pairs + warmUps)
    say(`pacing ${pacing ? 'on' : 'off'}: ${pairs} pairs`)

    const echoMs: number[] = []
    const acceptedMs: number[] = []
    const submit = async (signedTx: Uint8Array): Promise<number> => {
      await sleep(pauseMs, undefined, { signal })
      const startMs = performance.now()
      await wallet.client.submit(
        { chain: anvil.chainId, signedTx, until: 'accepted' },
        { signal, timeoutMs: sampleLimitMs },
      )
      return performance.now() - startMs
    }
    const echo = async (): Promise<number> => {
      await sleep(pauseMs, undefined, { signal })
      return wallet.echo(address, AbortSignal.any([signal, AbortSignal.timeout(sampleLimitMs)]))
    }
    for (const signedTx of transfers.slice(0, warmUps)) {
      await submit(signedTx)
      await echo()
    }
    const busy = watchProcessors()
    for (const [index, signedTx] of transfers.slice(warmUps).entries()) {
      if (Math.random() < 0.5) {
        echoMs.push(await echo())
        acceptedMs.push(await submit(signedTx))
      } else {
        acceptedMs.push(await submit(signedTx))
        echoMs.push(await echo())
      }
      if ((index + 1) % 100 === 0) say(`pacing ${pacing ? 'on' : 'off'}: ${index + 1} pairs done`)
    }
    return { echoMs, acceptedMs, busy: busy(), ...wallet.shape() }
  })
}

const warmUps = 10

/** The same at both clients. */
type Traffic = NetworkPlace & {
  readonly transport: 'nym-wasm'
  readonly disablePacing: boolean
  readonly disableCoverTraffic: boolean
}

const chainOf = (anvil: Anvil): ChainSetup => ({
  chain: anvil.chainId,
  endpoints: [{ id: 'anvil', url: anvil.rpcUrl }],
  finality: { rule: 'finalized' },
})

/** No version of the protocol. */
const echoByte = 0xee

/** Answers an echo with as many bytes as it asks for behind its id, and hands on all else. */
function withEcho(listener: MixnetListener): MixnetListener {
  return {
    ...listener,
    async *requests() {
      for await (const request of listener.requests()) {
        const { payload, replyTo } = request
        if (payload[0] !== echoByte) {
          yield request
        } else if (replyTo) {
          const answer = new Uint8Array(Buffer.from(payload).readUInt16BE(idBytes))
          answer.set(payload.subarray(0, idBytes))
          await listener.reply(replyTo, answer)
        }
      }
    },
  }
}

const idBytes = 16

interface Wallet {
  readonly client: VeilcastClient
  /** Milliseconds until a message of the last submit's shape came back. */
  echo(to: MixnetAddress, signal: AbortSignal): Promise<number>
  /** Of the last submit and its answer. */
  shape(): { readonly requestBytes: number; readonly surbs: number; readonly replyBytes: number }
}

/** One Nym client, shared by Veilcast's client and the echo's asker. */
async function startWallet(
  traffic: Traffic,
  broadcaster: string,
  stops: Stops,
  signal: AbortSignal,
): Promise<Wallet> {
  const dialer = createNymWasmDialer(traffic)
  const waiting = new Map<string, () => void>()
  let [requestBytes, surbs, replyBytes] = [0, 0, 0]
  const shared: MixnetDialer = {
    ...dialer,
    send(to, payload, attached, wait) {
      requestBytes = payload.length
      surbs = attached
      return dialer.send(to, payload, attached, wait)
    },
    async *replies() {
      for await (const reply of dialer.replies()) {
        const heard = waiting.get(idOf(reply))
        if (heard) {
          heard()
        } else {
          replyBytes = reply.length
          yield reply
        }
      }
    },
  }
  const client = createClient({ mixnet: shared, broadcasters: [broadcaster] })
  await client.start({ signal })
  stops.add(client.stop)
  return {
    client,
    shape: () => ({ requestBytes, surbs, replyBytes }),
    async echo(to, wait) {
      const message = randomBytes(requestBytes)
      message[0] = echoByte
      message.writeUInt16BE(replyBytes, idBytes)
      const id = idOf(message)
      const startMs = performance.now()
      try {
        await new Promise<void>((resolve, reject) => {
          wait.addEventListener('abort', () => reject(wait.reason), { once: true })
          waiting.set(id, resolve)
          dialer.send(to, message, surbs, { signal: wait }).catch(reject)
        })
        return performance.now() - startMs
      } finally {
        waiting.delete(id)
      }
    },
  }
}

function idOf(message: Uint8Array): string {
  return Buffer.from(message.subarray(0, idBytes)).toString('hex')
}

/** Signed before anything is timed, from ten accounts in turn. */
async function signTransfers(anvil: Anvil, count: number): Promise<readonly Uint8Array[]> {
  const to = anvil.accounts[0]?.address ?? '0x'
  const transfers: Uint8Array[] = []
  for (let index = 0; index < count; index++) {
    const from = anvil.accounts[index % anvil.accounts.length]
    if (!from) throw new Error('anvil has no accounts')
    const nonce = Math.floor(index / anvil.accounts.length)
    transfers.push(
      hexToBytes(
        await signEthTransfer(anvil, {
          from,
          to,
          valueWei: 10n ** 15n,
          nonce,
          maxFeePerGas: 10_000_000_000n,
        }),
      ),
    )
  }
  return transfers
}

function tableOf(paced: Measured, unpaced: Measured): Table {
  const row = (what: string, samples: readonly number[]) => [
    what,
    samples.length,
    ...[0.05, 0.5, 0.95, 0.99].map((p) => quantile(samples, p)),
  ]
  const ms = { unit: 'ms', digits: 0 }
  return {
    title: 'Milliseconds from the call to its answer',
    columns: [
      { name: '' },
      { name: 'samples' },
      { name: 'p5', ...ms },
      { name: 'p50', ...ms },
      { name: 'p95', ...ms },
      { name: 'p99', ...ms },
    ],
    rows: [
      row('bare echo, pacing on', paced.echoMs),
      row('submit to accepted, pacing on', paced.acceptedMs),
      row('bare echo, pacing off', unpaced.echoMs),
      row('submit to accepted, pacing off', unpaced.acceptedMs),
    ],
  }
}

/** Above it messages wait for a processor more than for the network, there and back, and ratios flatter. */
const tooBusy = 0.9

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

function ratioOf(name: string, { acceptedMs, echoMs }: Measured, p: number): Ratio {
  return {
    name,
    ...pairedRatio(acceptedMs, echoMs, p),
    floor: 'a bare echo',
    aim: 1.1,
    limit: 1.25,
    better: 'lower',
  }
}

function spoken({ acceptedMs, echoMs }: Measured): string {
  const { value, interval } = pairedRatio(acceptedMs, echoMs, 0.95)
  return `${value.toFixed(2)} (${interval[0].toFixed(2)}–${interval[1].toFixed(2)})`
}

function chartOf(name: string, how: string, { acceptedMs, echoMs }: Measured): EcdfChart {
  return {
    kind: 'ecdf',
    name,
    title: `Submit to accepted beside a bare echo, ${how}`,
    x: { title: 'from the call to its answer, ms' },
    y: { title: 'share of calls' },
    series: [
      { name: 'bare echo', samples: echoMs, floor: true },
      { name: 'submit to accepted', samples: acceptedMs },
    ],
    marks: [{ name: 'aim for the median', value: 1.1 * quantile(echoMs, 0.5) }],
  }
}
