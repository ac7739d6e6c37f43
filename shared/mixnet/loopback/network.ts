import { base58 } from '@scure/base'
import { type MixnetAddress, MixnetError } from '../Mixnet.ts'
import { parseAddress } from '../parseAddress.ts'
import { deriveKey, seededRandom } from './random.ts'

/** What happens to a message under way. Each message, and each copy of it, draws for itself. */
export interface LoopbackFaults {
  /** Uniform in the range. Default 0: in order, in the next turn of the event loop. */
  readonly delayMs?: number | { readonly min: number; readonly max: number }
  /** Probability in [0, 1] that a message never arrives. Default 0. */
  readonly loss?: number
  /** Probability that a message arrives twice; its SURBs count once. Default 0. */
  readonly duplication?: number
  /** Probability that a message is held back by up to another 20 ms, or its own delay again if that is more. Default 0. */
  readonly reordering?: number
}

/** Faults for both ways, and others in their place for one way. */
export interface LoopbackWeather extends LoopbackFaults {
  readonly requests?: LoopbackFaults
  readonly replies?: LoopbackFaults
  /** While true, a dialer's `start` and `send` throw `unreachable`. Default false. */
  readonly unreachable?: boolean
}

export interface LoopbackCounters {
  /** Handed to `send`. */
  readonly requests: number
  /** Handed to `reply`. */
  readonly replies: number
  /** Attached to requests. */
  readonly surbs: number
  readonly surbsSpent: number
  /** Replies that found too few SURBs and will eat those of the next request. */
  readonly repliesWaiting: number
  /** Lost under way, sent to nobody, or beyond a limit. */
  readonly dropped: number
  readonly duplicated: number
}

/** A request under way. Its copies are the same letter, so that whichever arrives first brings the SURBs. */
export interface Letter {
  /** One object per life of a dialer. */
  readonly from: DialerLife
  readonly payload: Uint8Array
  readonly repliable: boolean
  unusedSurbs: number
}

/** A dialer from its start to its stop or restart. */
export interface DialerLife {
  readonly receive: (payload: Uint8Array) => void
}

export interface Mailbox {
  readonly address: MixnetAddress
  readonly kept: Letter[]
  /** Set while a listener runs. */
  receive?: ((letter: Letter) => void) | undefined
}

export interface Network {
  readonly counters: {
    -readonly [name in keyof LoopbackCounters]: LoopbackCounters[name]
  }
  weather: LoopbackWeather
  mailbox(name: string): Mailbox
  post(to: MixnetAddress, letter: Letter): void
  answer(life: DialerLife, payload: Uint8Array): void
  join(who: object): void
  /** When the last one leaves, all that is under way arrives at once, in a mailbox or nowhere: no timer stays behind. */
  leave(who: object): void
  failIfUnreachable(): void
  /** 16 bytes in base58, never the same twice. */
  createTag(): string
}

export function createNetwork(
  seed: string | number,
  weather: LoopbackWeather,
  maxKeptMessages: number,
): Network {
  const random = seededRandom(seed)
  const mailboxes = new Map<string, Mailbox>()
  const running = new Set<object>()
  const underWay = new Map<ReturnType<typeof setTimeout>, () => void>()
  let tags = 0

  /** Five draws for each message, whatever the weather, so that one fault does not shift another. */
  const carry = (way: 'requests' | 'replies', arrive: () => void) => {
    const faults = { ...network.weather, ...network.weather[way] }
    const lost = random() < (faults.loss ?? 0)
    const copies = random() < (faults.duplication ?? 0) ? 2 : 1
    const heldBack = random() < (faults.reordering ?? 0) ? 1 : 0
    const delays = [random(), random()].map((draw) => {
      const { min, max } =
        typeof faults.delayMs === 'object'
          ? faults.delayMs
          : { min: faults.delayMs ?? 0, max: faults.delayMs ?? 0 }
      return min + draw * (max - min) + heldBack * draw * Math.max(20, max)
    })
    if (lost) {
      network.counters.dropped += 1
      return
    }
    network.counters.duplicated += copies - 1
    for (const delayMs of delays.slice(0, copies)) {
      const timer = setTimeout(() => {
        underWay.delete(timer)
        arrive()
      }, delayMs)
      underWay.set(timer, arrive)
    }
  }

  const network: Network = {
    counters: {
      requests: 0,
      replies: 0,
      surbs: 0,
      surbsSpent: 0,
      repliesWaiting: 0,
      dropped: 0,
      duplicated: 0,
    },
    weather,

    mailbox(name) {
      const [identity, encryption] = ['identity', 'encryption'].map((part) =>
        base58.encode(deriveKey(seed, name, part)),
      )
      const address = parseAddress(`${identity}.${encryption}@${base58.encode(deriveKey(seed, 'gateway'))}`)
      const mailbox = mailboxes.get(address) ?? { address, kept: [] }
      mailboxes.set(address, mailbox)
      return mailbox
    },

    post(to, letter) {
      const mailbox = mailboxes.get(to)
      carry('requests', () => {
        if (mailbox?.receive) mailbox.receive(letter)
        else if (mailbox && mailbox.kept.length < maxKeptMessages) mailbox.kept.push(letter)
        else network.counters.dropped += 1
      })
    },

    answer: (life, payload) => carry('replies', () => life.receive(payload)),

    join(who) {
      running.add(who)
    },

    leave(who) {
      running.delete(who)
      if (running.size > 0) return
      for (const [timer, arrive] of [...underWay]) {
        clearTimeout(timer)
        underWay.delete(timer)
        arrive()
      }
    },

    failIfUnreachable() {
      if (network.weather.unreachable)
        throw new MixnetError('unreachable', 'The loopback was told to be unreachable.')
    },

    createTag() {
      tags += 1
      return base58.encode(deriveKey(seed, 'tag', tags).subarray(0, 16))
    },
  }
  return network
}
