import { setMaxListeners } from 'node:events'
import { ChainUnavailable, type EndpointHealth, type OnAnswer, type WaitOptions } from '../ChainAdapter.ts'
import { type CircuitBreaker, createCircuitBreaker, maxTrialsAtOnce, type Trouble } from './circuitBreaker.ts'
import type { Asked, Endpoint, EndpointPool, ProbeResult, Question } from './EndpointPool.ts'
import { EndpointProblem } from './EndpointProblem.ts'
import { keepScore, type Score } from './keepScore.ts'
import { withDeadline } from './withDeadline.ts'

export interface EndpointPoolOptions<Client> {
  readonly endpoints: readonly Endpoint<Client>[]
  /** Asks which chain the endpoint is on and how far it is. A rejection counts as trouble (EndpointProblem says which). */
  readonly probe: (client: Client, signal: AbortSignal) => Promise<ProbeResult>
  /** Default 3 s. What is in trouble is probed later and later, up to 20 times this. */
  readonly probeIntervalMs?: number
  /** Default 4 s. */
  readonly probeTimeoutMs?: number
  /** Further than so many blocks below the others is `behind`. Default 5. */
  readonly maxBlocksBehind?: number
  /** For each endpoint that is asked. Default 8 s. */
  readonly askTimeoutMs?: number
  /** For each endpoint that is asked what a wallet wants to know, at most `askTimeoutMs`. Default 4 s. */
  readonly walletTimeoutMs?: number
  /** Endpoints asked until one answers. Default 3. */
  readonly maxAttempts?: number
  /**
   * `uniform`: each live endpoint is as likely as the next, so that none sees more of what is asked than another. `scored`: the better
   * its score, the likelier. Default `uniform`.
   */
  readonly choice?: 'uniform' | 'scored'
  /** How long an endpoint's answers count in its score. Default 5 min. */
  readonly scoreWindowMs?: number
  readonly random?: () => number
}

interface Watched<Client> {
  readonly endpoint: Endpoint<Client>
  readonly breaker: CircuitBreaker
  readonly score: Score
  /** Since when it is behind the others, milliseconds since 1970. */
  lateSinceMs: number | undefined
  height: bigint
  /** Counts reports, so that a probe that was under way before one does not clear it. */
  reports: number
  nextProbeAtMs: number | undefined
  timer: NodeJS.Timeout | undefined
  /** The probe that is under way, or the last one. Never rejects. */
  probing: Promise<void>
}

/** Where no other endpoint is live, one that cannot be reached is probed no later than this. */
const maxLonelyIntervals = 2

/**
 * Probes each endpoint at start and at an interval, and keeps a circuit breaker and a score for each. What is open is left alone until a
 * good probe, what is half open is asked one question at a time while another is closed.
 */
export function createEndpointPool<Client>(options: EndpointPoolOptions<Client>): EndpointPool<Client> {
  const {
    probe,
    probeIntervalMs = 3_000,
    probeTimeoutMs = 4_000,
    maxBlocksBehind = 5,
    askTimeoutMs = 8_000,
    walletTimeoutMs = Math.min(4_000, askTimeoutMs),
    maxAttempts = 3,
    choice = 'uniform',
    scoreWindowMs = 300_000,
    random = Math.random,
  } = options
  const watched = new Map<string, Watched<Client>>()
  for (const endpoint of options.endpoints) {
    if (watched.has(endpoint.id)) throw new RangeError(`Two endpoints have the id ${endpoint.id}.`)
    watched.set(endpoint.id, {
      endpoint,
      breaker: createCircuitBreaker(),
      score: keepScore(scoreWindowMs),
      lateSinceMs: undefined,
      height: 0n,
      reports: 0,
      nextProbeAtMs: undefined,
      timer: undefined,
      probing: Promise.resolve(),
    })
  }
  const all = [...watched.values()]
  const listeners: OnAnswer[] = []
  let stopping: AbortController | undefined

  const probeIn = (one: Watched<Client>, intervals: number): void => {
    clearTimeout(one.timer)
    if (!stopping || stopping.signal.aborted) return
    const { signal } = stopping
    const inMs = probeIntervalMs * intervals * (0.8 + random() * 0.4)
    one.nextProbeAtMs = Date.now() + inMs
    one.timer = setTimeout(() => {
      one.probing = one.probing.then(() => probeOnce(one, signal))
    }, inMs)
    one.timer.unref()
  }

  const probeOnce = async (one: Watched<Client>, signal: AbortSignal): Promise<void> => {
    const startedAt = performance.now()
    const { reports } = one
    try {
      const { onRightChain, height } = await withDeadline(probeTimeoutMs, signal, (deadline) =>
        probe(one.endpoint.client, deadline),
      )
      if (signal.aborted) return
      answered(one, startedAt, onRightChain ? 'none' : 'wrongChain')
      if (one.reports !== reports) return
      one.score.probed(performance.now() - startedAt)
      if (!onRightChain) return open(one, 'wrongChain')
      one.height = height
      one.breaker.probed()
      one.lateSinceMs = isBehind(one) ? (one.lateSinceMs ?? Date.now()) : undefined
      // Of others it can only clear the suspicion: their own heights are older than this one.
      for (const other of all) {
        if (other.lateSinceMs !== undefined && !isBehind(other)) other.lateSinceMs = undefined
      }
      probeIn(one, 1)
    } catch (error) {
      if (signal.aborted) return
      const trouble = troubleIn(error) ?? 'unreachable'
      answered(one, startedAt, trouble)
      if (one.reports === reports) open(one, trouble)
    }
  }

  const open = (one: Watched<Client>, trouble: Trouble): void => {
    one.reports++
    const intervals = one.breaker.open(trouble)
    const isLonely = trouble === 'unreachable' && !all.some(isLive)
    probeIn(one, isLonely ? Math.min(intervals, maxLonelyIntervals) : intervals)
  }

  const report = (one: Watched<Client>, trouble: Trouble): void => {
    if (one.breaker.isNews(trouble)) open(one, trouble)
  }

  /** Asked when its own height is the newest: blocks that come between two probes make nobody late. */
  const isBehind = (one: Watched<Client>): boolean => {
    const reached = all.filter(
      (other) => other === one || other.breaker.trouble === 'none' || other.breaker.trouble === 'behind',
    )
    return one.height + BigInt(maxBlocksBehind) < referenceHeight(reached)
  }

  /** @param isHeld whether it counts in the score; of a stranger's question, that it was late does not */
  const answered = (
    one: Watched<Client>,
    startedAt: number,
    outcome: EndpointHealth['trouble'],
    isHeld = true,
  ): void => {
    if (isHeld) one.score.answered(outcome === 'none')
    const seconds = (performance.now() - startedAt) / 1000
    for (const listener of listeners) {
      listener(one.endpoint.id, seconds, outcome === 'none' ? 'answered' : outcome)
    }
  }

  const isStopped = (): boolean => stopping?.signal.aborted === true
  const isLive = ({ breaker, lateSinceMs }: Watched<Client>): boolean =>
    breaker.state !== 'open' && lateSinceMs === undefined && !isStopped()
  const isClosed = (one: Watched<Client>): boolean => isLive(one) && one.breaker.state === 'closed'
  const liveOnes = (): Watched<Client>[] => all.filter(isLive)

  /** In random order, by `choice`. */
  const shuffled = (list: readonly Watched<Client>[]): Watched<Client>[] =>
    choice === 'uniform'
      ? shuffle(list, random)
      : // Efraimidis and Spirakis: the largest of random^(1/weight) first.
        list
          .map((one) => ({ one, key: random() ** (1 / Math.max(one.score.value(), minScore)) }))
          .sort((a, b) => b.key - a.key)
          .map(({ one }) => one)

  /** Asks this one, and keeps what came of it. @throws what the question throws */
  async function askOne<T>(
    one: Watched<Client>,
    ask: () => Promise<T>,
    signal: AbortSignal | undefined,
    isHeld: (trouble: Trouble) => boolean = () => true,
  ): Promise<T> {
    const startedAt = performance.now()
    let isAnswered = false
    one.breaker.entered()
    try {
      const answer = await ask()
      isAnswered = true
      answered(one, startedAt, 'none')
      return answer
    } catch (error) {
      signal?.throwIfAborted()
      const trouble = troubleIn(error)
      const holds = trouble === undefined || isHeld(trouble)
      isAnswered = trouble === undefined
      answered(one, startedAt, trouble ?? 'none', holds)
      if (trouble && holds) report(one, trouble)
      throw error
    } finally {
      one.breaker.ended(isAnswered)
    }
  }

  /**
   * Asks in this order, no operator twice, until there is `enough`; what was answered by then. A half-open endpoint whose trial is
   * under way is passed over while a closed one is there.
   */
  async function askInTurn<T>(
    candidates: readonly Watched<Client>[],
    question: Question<Client, T>,
    enough: (said: readonly Asked<T>[]) => boolean,
    signal: AbortSignal | undefined,
    { isHeld, timeoutMs = askTimeoutMs, asksOperatorsTwice = false }: TurnOptions = {},
  ): Promise<Asked<T>[]> {
    const said: Asked<T>[] = []
    const hasClosed = candidates.some(isClosed)
    let attempts = 0
    for (const one of candidates) {
      const { id, operator, client } = one.endpoint
      if (!asksOperatorsTwice && said.some((other) => other.operator === operator)) continue
      if (hasClosed && one.breaker.state === 'halfOpen' && one.breaker.underWay >= maxTrialsAtOnce) continue
      if (attempts++ === maxAttempts) break
      const ask = () =>
        withDeadline(timeoutMs, signal, (deadline) => question(client, deadline, one.endpoint))
      try {
        said.push({ id, operator, answer: await askOne(one, ask, signal, isHeld) })
      } catch {
        // Told and kept already; an abort is nobody's trouble.
        signal?.throwIfAborted()
        continue
      }
      if (enough(said)) break
    }
    return said
  }

  /** What several wait for is nobody's to abort; it ends with the pool. */
  const signalOf = ({ signal = stopping?.signal }: WaitOptions): AbortSignal | undefined => {
    signal?.throwIfAborted()
    return signal
  }

  return {
    async start() {
      if (!stopping || stopping.signal.aborted) {
        stopping = new AbortController()
        // One listener for each question that many wait for.
        setMaxListeners(0, stopping.signal)
        for (const one of all) one.probing = probeOnce(one, stopping.signal)
      }
      await Promise.all(all.map(({ probing }) => probing))
    },

    async stop() {
      stopping?.abort(new DOMException('The endpoint pool is stopped.', 'AbortError'))
      for (const one of all) clearTimeout(one.timer)
      await Promise.all(all.map(({ probing }) => probing))
    },

    live: () => liveOnes().length > 0,

    pick({ sticky = [], avoid, operators = 1 } = {}) {
      const live = liveOnes().filter(({ endpoint }) => !avoid?.has(endpoint.id))
      const rank = (one: Watched<Client>) => {
        const at = sticky.indexOf(one.endpoint.id)
        // A transaction is nothing to try an endpoint with, as long as there is another.
        return at >= 0 ? at : sticky.length + (isClosed(one) ? 0 : 1)
      }
      const picked: Endpoint<Client>[] = []
      for (const { endpoint } of shuffled(live).sort((a, b) => rank(a) - rank(b))) {
        if (picked.length === operators) break
        if (!picked.some(({ operator }) => operator === endpoint.operator)) picked.push(endpoint)
      }
      return picked.map(({ id }) => id)
    },

    async ask(question, options = {}) {
      const [first] = await askInTurn(shuffled(liveOnes()), question, () => true, signalOf(options))
      if (first) return first.answer
      throw unavailable()
    },

    async askOne(id, question, options = {}) {
      const one = watched.get(id)
      if (!one) throw new EndpointProblem('none', 'Nobody has configured this endpoint.')
      const { signal = new AbortController().signal } = options
      return askOne(one, () => question(one.endpoint.client, signal, one.endpoint), signal)
    },

    async askForWallet(question, { first: preferred, among = () => true, ...waiting } = {}) {
      const askable = shuffled(liveOnes().filter(({ endpoint }) => among(endpoint.client)))
      const rank = ({ endpoint }: Watched<Client>) => (endpoint.client === preferred ? 0 : 1)
      const [first] = await askInTurn(
        askable.sort((a, b) => rank(a) - rank(b)),
        question,
        () => true,
        signalOf(waiting),
        { isHeld: (trouble) => trouble !== 'unreachable', timeoutMs: walletTimeoutMs },
      )
      if (first) return first.answer
      throw unavailable()
    },

    async askTwo(question, settles, { last = [], ...waiting } = {}) {
      const operators = new Set(last.map((id) => watched.get(id)?.endpoint.operator))
      const rank = ({ endpoint }: Watched<Client>) =>
        last.includes(endpoint.id) ? 2 : operators.has(endpoint.operator) ? 1 : 0
      const order = shuffled(liveOnes()).sort((a, b) => rank(a) - rank(b))
      const enough = (said: readonly Asked<unknown>[]) =>
        said.length === 2 || settles(said[0]?.answer as never)
      const [first, second] = await askInTurn(order, question, enough, signalOf(waiting))
      if (!first) throw unavailable()
      return second ? [first.answer, second.answer] : [first.answer]
    },

    async askOthers(than, question, enough, options = {}) {
      const from = watched.get(than)?.endpoint
      const others = liveOnes().filter(({ endpoint }) => endpoint.id !== than)
      const witnesses = others.filter(({ endpoint }) => endpoint.operator !== from?.operator)
      const order = shuffled(witnesses.length > 0 ? witnesses : others)
      return askInTurn(order, question, enough, signalOf(options), {
        asksOperatorsTwice: witnesses.length === 0,
      })
    },

    operators: new Set(options.endpoints.map(({ operator }) => operator)).size,

    report(id, trouble) {
      const one = watched.get(id)
      if (one) report(one, trouble)
    },

    onAnswer(listener) {
      listeners.push(listener)
    },

    health: () =>
      all.map((one): EndpointHealth => {
        const { endpoint, breaker, score, lateSinceMs, height, nextProbeAtMs } = one
        const isLate = breaker.state !== 'open' && lateSinceMs !== undefined
        return {
          id: endpoint.id,
          operator: endpoint.operator,
          live: isLive(one),
          height,
          latencyMs: score.latencyMs,
          trouble: isStopped() ? 'unreachable' : isLate ? 'behind' : breaker.trouble,
          score: score.value(),
          breaker: isLive(one) ? breaker.state : 'open',
          openedAtMs: isLate ? lateSinceMs : breaker.openedAtMs,
          nextProbeAtMs: isStopped() ? undefined : nextProbeAtMs,
          failuresInARow: score.failuresInARow,
          ...score.counts(),
        }
      }),
  }
}

interface TurnOptions {
  readonly isHeld?: (trouble: Trouble) => boolean
  readonly timeoutMs?: number
  readonly asksOperatorsTwice?: boolean
}

/** So that one that failed lately is asked now and then, and found to be well. */
const minScore = 0.05

function unavailable(): ChainUnavailable {
  return new ChainUnavailable('No endpoint of the chain gave a usable answer.')
}

function troubleIn(error: unknown): Trouble | undefined {
  if (!(error instanceof EndpointProblem)) return 'unreachable'
  return error.trouble === 'none' ? undefined : error.trouble
}

/**
 * The highest block that one operator claims; from three operators on the second highest, so that no single one can
 * make all others look late.
 */
function referenceHeight(reached: readonly Watched<unknown>[]): bigint {
  const byOperator = new Map<string, bigint>()
  for (const { endpoint, height } of reached) {
    const known = byOperator.get(endpoint.operator)
    if (known === undefined || height > known) byOperator.set(endpoint.operator, height)
  }
  const heights = [...byOperator.values()].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0))
  return (heights.length >= 3 ? heights[1] : heights[0]) ?? 0n
}

/** Fisher and Yates. */
function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const held = shuffled[last] as T
    shuffled[last] = shuffled[other] as T
    shuffled[other] = held
  }
  return shuffled
}
