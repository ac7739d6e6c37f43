import { startLocalnet } from '@veilcast/localnet'
import {
  type MixnetAddress,
  type MixnetDialer,
  type MixnetListener,
  replyPackets,
  requestPackets,
} from '@veilcast/shared/mixnet'
import { createLoopback, type LoopbackWeather } from '@veilcast/shared/mixnet/loopback'
import { createNymWasmDialer, createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'
import { decodeRequest } from '@veilcast/shared/protocol'

/** What crossed a mixnet, counted where it was handed over. */
export interface Traffic {
  /** Messages that wallets handed to the mixnet, and among them those that were sent before, and questions for a status. */
  requests: number
  repetitions: number
  statusQuestions: number
  surbs: number
  /** Requests that reached the broadcaster, copies included. */
  arrived: number
  /** Replies that the broadcaster handed to the mixnet. */
  replies: number
  /** Data packets: on the loopback what they would be, on a Nym network what it counted, sent again or not. */
  packetsUp: number
  packetsDown: number
  /** Messages (loopback) or data packets and acknowledgements (Nym network) that never arrived. */
  lost: number
  /** Replies that found no SURB and wait for those of the next request; undefined where nobody can tell. */
  repliesWaiting: number | undefined
}

/** A mixnet with bad weather, and when a wallet on it asks again. */
export interface LossWorld {
  readonly name: string
  readonly listener: MixnetListener
  /** For one wallet more. */
  dialer(): MixnetDialer
  /** The weather begins: until then the mixnet is without a fault. */
  storm(): void
  readonly timing: {
    readonly firstRepeatMs: number
    readonly laterRepeatMs: number
    readonly maxRepeatMs: number
  }
  readonly copyWindowMs: number
  traffic(): Traffic
  stop(): Promise<void>
}

/** Each message is lost, and duplicated, and held back, with a probability of a fifth each. */
export const aFifthOfEach = { loss: 0.2, duplication: 0.2, reordering: 0.2, delayMs: { min: 1, max: 20 } }

export function loopbackWorld(weather: LoopbackWeather = aFifthOfEach, seed = 20): LossWorld {
  const loopback = createLoopback({ seed })
  const tally = createTally()
  return {
    name: 'loopback',
    listener: tally.listener(loopback.listener()),
    dialer: () => tally.dialer(loopback.dialer()),
    storm: () => loopback.set(weather),
    // A thirtieth of the defaults, as these blocks are a thirtieth of slow chains'.
    timing: { firstRepeatMs: 200, laterRepeatMs: 1000, maxRepeatMs: 2000 },
    copyWindowMs: 100,
    traffic: () => ({
      ...tally.traffic,
      lost: loopback.counters.dropped,
      repliesWaiting: loopback.counters.repliesWaiting,
    }),
    stop: async () => {},
  }
}

/** Each of four hops loses a packet with this probability; Nym's own clients at both ends, and everything at its default. */
export async function localnetWorld(lossPerHop = 0.05, seed = 20): Promise<LossWorld> {
  const localnet = await startLocalnet({ seed })
  const tally = createTally()
  const { nymApiUrl, preferredGateway } = localnet
  // Cover and pacing would only blur what is counted, and keep a busy machine busier.
  const options = { nymApiUrl, preferredGateway, disableCoverTraffic: true, disablePacing: true }
  const listener = createNymWasmListener({ ...options, pingIntervalMs: 600_000 })
  let service: MixnetAddress | undefined
  return {
    name: 'local Nym network',
    listener: tally.listener(listener),
    dialer: () => tally.dialer(createNymWasmDialer({ ...options, pingIntervalMs: 600_000 })),
    storm() {
      service = listener.address()
      localnet.resetCounters()
      localnet.faults.setLossPerHop(lossPerHop)
    },
    timing: { firstRepeatMs: 6000, laterRepeatMs: 30_000, maxRepeatMs: 60_000 },
    copyWindowMs: 2000,
    traffic() {
      const { clients, acksLost } = localnet.counters()
      const id = service?.split('.')[0]
      let [packetsUp, packetsDown, lost] = [0, 0, acksLost]
      for (const [client, counted] of Object.entries(clients)) {
        if (client === id) packetsDown += counted.dataPacketsUp
        else packetsUp += counted.dataPacketsUp
        lost += counted.dataPacketsLost
      }
      return { ...tally.traffic, packetsUp, packetsDown, lost, repliesWaiting: undefined }
    },
    stop: () => localnet.stop(),
  }
}

/** Counts at the ports, so that both worlds are counted alike. */
function createTally() {
  const traffic: Traffic = {
    requests: 0,
    repetitions: 0,
    statusQuestions: 0,
    surbs: 0,
    arrived: 0,
    replies: 0,
    packetsUp: 0,
    packetsDown: 0,
    lost: 0,
    repliesWaiting: undefined,
  }
  const ids = new Set<string>()
  return {
    traffic,
    dialer: (dialer: MixnetDialer): MixnetDialer => ({
      ...dialer,
      send(to, payload, surbs, wait) {
        const { id, body } = decodeRequest(payload)
        const hex = Buffer.from(id).toString('hex')
        traffic.requests += 1
        traffic.surbs += surbs
        traffic.packetsUp += requestPackets(payload.length, surbs)
        if (ids.has(hex)) traffic.repetitions += 1
        if (body.kind === 'status') traffic.statusQuestions += 1
        ids.add(hex)
        return dialer.send(to, payload, surbs, wait)
      },
    }),
    listener: (listener: MixnetListener): MixnetListener => ({
      ...listener,
      async *requests() {
        for await (const request of listener.requests()) {
          traffic.arrived += 1
          yield request
        }
      },
      reply(replyTo, payload, wait) {
        traffic.replies += 1
        traffic.packetsDown += replyPackets(payload.length)
        return listener.reply(replyTo, payload, wait)
      },
    }),
  }
}
