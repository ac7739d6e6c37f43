import { createHash } from 'node:crypto'
import { createClient, type Receipt, type VeilcastClient } from '@veilcast/client'
import type { Anvil, CosmosChain } from '@veilcast/devnet'
import { VeilcastError } from '@veilcast/shared/errors'
import type { Until } from '@veilcast/shared/protocol'
import { hexToBytes, keccak256 } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { signEthTransfer, signMsgSend } from './devnetSign.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from './faultyEndpoint.ts'
import type { LossWorld, Traffic } from './lossWorlds.ts'
import {
  anvilSetup,
  cosmosSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  type TestBroadcaster,
} from './path.ts'
import { until } from './until.ts'

/** What is asked for, and so what is right. */
type Story =
  /** Its receipt is the chain's. */
  | 'transfer'
  /** The same by two wallets at once: both have the receipt, and it is sent once. */
  | 'byTwoWallets'
  /** On chain and reverted: included, not ok. */
  | 'reverting'
  /** Without funds: refused, notSent, and shown to nobody. */
  | 'unfunded'
  /** Aborted before anything left: notSent, and shown to nobody. */
  | 'abortedBefore'
  /** Aborted soon after: unknown, unless it was done before. */
  | 'abortedAfter'

interface Plan {
  readonly chain: string
  readonly story: Story
  readonly until: Until
  readonly everyStage: boolean
  readonly signedTx: Uint8Array
  /** As the chain's node writes it. */
  readonly hash: string
  readonly abortAfterMs: number
}

interface Told {
  readonly plan: Plan
  readonly receipts: readonly Receipt[]
  readonly error: unknown
  readonly tookMs: number
}

export interface LossRun extends Traffic {
  readonly world: string
  readonly transactions: number
  /** Those whose outcome, as the wallet heard it, is the chain's. */
  readonly right: number
  /** What was wrong with the others. */
  readonly wrong: readonly string[]
  /** Transactions by how often their bytes reached an endpoint. */
  readonly submissions: { readonly never: number; readonly once: number; readonly more: number }
  /** From the call to its outcome, of those that were neither aborted nor refused. */
  readonly latency: Readonly<
    Record<Until, { readonly p50Ms: number; readonly p95Ms: number; readonly maxMs: number }>
  >
  readonly tookMs: number
}

export interface LossRunOptions {
  readonly world: LossWorld
  readonly anvil: Anvil
  readonly cosmos?: CosmosChain | undefined
  /** Default 200, a fifth of them Cosmos where there is such a chain. */
  readonly transactions?: number
  /** Mixnet identities that share the senders. Default 4. */
  readonly wallets?: number
  /** Transactions of one sender that wait at once. Default 4. */
  readonly atOncePerSender?: number
  /** Ends it early: it throws once everything is stopped. */
  readonly signal?: AbortSignal | undefined
}

const reverter = '0x00000000000000000000000000000000deadc0de'
const untilWords = ['accepted', 'included', 'final'] as const

/**
 * Brings transactions on chain through bad weather, and asks the chains themselves what became of each. The world is
 * stopped by whoever made it.
 */
export async function runThroughLoss(options: LossRunOptions): Promise<LossRun> {
  const { world, anvil, cosmos, transactions = 200, wallets = 4, atOncePerSender = 4, signal } = options
  const folder = await makeFolder()
  const clients: VeilcastClient[] = []
  const proxies: FaultyEndpoint[] = []
  let broadcaster: TestBroadcaster | undefined
  try {
    const proxyOf = async (url: string) => {
      const proxy = await startFaultyEndpoint(url)
      proxies.push(proxy)
      return proxy.url
    }
    const chains = [anvilSetup(anvil, await proxyOf(anvil.rpcUrl))]
    if (cosmos) chains.push(cosmosSetup(cosmos, await proxyOf(cosmos.rpcUrl)))
    broadcaster = await startTestBroadcaster({
      listener: world.listener,
      store: embeddedStore(folder.path),
      chains,
      copyWindowMs: world.copyWindowMs,
    })
    for (let wallet = 0; wallet < wallets; wallet++) {
      const client = createClient({
        mixnet: world.dialer(),
        broadcasters: [broadcaster.address()],
        timing: world.timing,
      })
      clients.push(client)
      await client.start()
    }
    const ofCosmos = cosmos ? Math.floor(transactions / 5) : 0
    const runs = [
      ...(await planEvm(anvil, transactions - ofCosmos)),
      ...(cosmos ? await planCosmos(cosmos, ofCosmos) : []),
    ]

    world.storm()
    const startedAtMs = performance.now()
    const told = (
      await Promise.all(
        runs.map((plans, sender) =>
          forEach(plans, atOncePerSender, (plan) =>
            tell(plan, clients, (sender + 1) % clients.length, signal),
          ),
        ),
      )
    ).flat()
    signal?.throwIfAborted()
    const tookMs = performance.now() - startedAtMs
    const traffic = world.traffic()

    const look = ({ chain, hash }: Plan) =>
      cosmos && chain === cosmos.chainId ? lookOnCosmos(cosmos, hash) : lookOnAnvil(anvil, hash)
    // `accepted` is a promise: it is kept without anybody asking again.
    for (const { plan, error } of told) {
      if (error === undefined && plan.story !== 'unfunded')
        await until(async () => (await look(plan)) !== undefined)
    }
    const submissions = countSubmissions(proxies)
    const submissionsOf = (hash: string) => submissions.get(hash) ?? 0
    const wrong: string[] = []
    for (const one of told) {
      const fault = faultOf(one, submissionsOf(one.plan.hash), await look(one.plan))
      if (fault) wrong.push(`${one.plan.chain} ${one.plan.story} until ${one.plan.until}: ${fault}`)
    }
    const times = told.map(({ plan }) => submissionsOf(plan.hash))
    return {
      ...traffic,
      world: world.name,
      transactions: told.length,
      right: told.length - wrong.length,
      wrong,
      submissions: {
        never: times.filter((times) => times === 0).length,
        once: times.filter((times) => times === 1).length,
        more: times.filter((times) => times > 1).length,
      },
      latency: Object.fromEntries(
        untilWords.map((word) => [
          word,
          latencyOf(told.filter(({ plan, error }) => plan.until === word && error === undefined)),
        ]),
      ) as LossRun['latency'],
      tookMs,
    }
  } finally {
    await Promise.all(clients.map((client) => client.stop()))
    await broadcaster?.stop()
    await Promise.all(proxies.map((proxy) => proxy.stop()))
    await folder.remove()
  }
}

/** How often each transaction reached an endpoint. */
function countSubmissions(proxies: readonly FaultyEndpoint[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const bodies = proxies.flatMap((proxy) => proxy.bodies())
  for (const body of bodies.filter((body) => /eth_sendRawTransaction|broadcast_tx_sync/.test(body))) {
    for (const { method, params } of [JSON.parse(body)].flat()) {
      const hash =
        method === 'eth_sendRawTransaction'
          ? keccak256(params[0])
          : method === 'broadcast_tx_sync'
            ? sha256(Buffer.from(params.tx, 'base64'))
            : undefined
      if (hash) counts.set(hash, (counts.get(hash) ?? 0) + 1)
    }
  }
  return counts
}

/** One line for each thing that a run cost, for people. */
export function describeLossRun(run: LossRun): string[] {
  const per = (count: number) => `${count} (${(count / run.transactions).toFixed(2)} each)`
  return [
    `${run.world}: ${run.right} of ${run.transactions} right, in ${(run.tookMs / 1000).toFixed(1)} s`,
    `submissions: ${run.submissions.once} once, ${run.submissions.never} never, ${run.submissions.more} more often`,
    `requests ${per(run.requests)}: ${run.repetitions} repeated, ${run.statusQuestions} status; arrived ${run.arrived}`,
    `replies ${per(run.replies)}, waiting for a SURB: ${run.repliesWaiting ?? 'not known'}`,
    `SURBs ${per(run.surbs)}; data packets up ${per(run.packetsUp)}, down ${per(run.packetsDown)}; lost ${run.lost}`,
    ...untilWords.map((word) => {
      const { p50Ms, p95Ms, maxMs } = run.latency[word]
      return `until ${word}: p50 ${p50Ms.toFixed(0)} ms, p95 ${p95Ms.toFixed(0)} ms, longest ${maxMs.toFixed(0)} ms`
    }),
    ...run.wrong,
  ]
}

/** Eight senders with runs of nonces, and one account each for what must leave no gap in them. */
async function planEvm(anvil: Anvil, transactions: number): Promise<Plan[][]> {
  await anvil.rpc('anvil_setCode', [reverter, '0x5f5ffd'])
  const senders = anvil.accounts.slice(0, 8)
  const runs: Plan[][] = senders.map(() => [])
  const nonces = senders.map(() => 0)
  const to = anvil.accounts[9]!.address
  for (let index = 0; index < transactions; index++) {
    const story = storyOf(index)
    const at = index % senders.length
    const isApart = story === 'unfunded' || story === 'abortedBefore' || story === 'abortedAfter'
    const from = isApart ? newAccount() : senders[at]!
    if (isApart && story !== 'unfunded')
      await anvil.rpc('anvil_setBalance', [from.address, '0xde0b6b3a7640000'])
    const nonce = isApart ? 0 : nonces[at]!++
    const signedTx = hexToBytes(
      await signEthTransfer(anvil, {
        from,
        nonce,
        to: story === 'reverting' ? reverter : to,
        valueWei: 1n,
        gas: story === 'reverting' ? 50_000n : 21_000n,
        // Blocks fill up: what is cheap in the first may be too cheap in the last.
        maxFeePerGas: 20_000_000_000n,
      }),
    )
    runs[at]!.push({ ...wishOf(index), chain: anvil.chainId, story, signedTx, hash: keccak256(signedTx) })
  }
  return runs
}

async function planCosmos(cosmos: CosmosChain, transactions: number): Promise<Plan[][]> {
  const runs: Plan[][] = cosmos.accounts.map(() => [])
  for (let index = 0; index < transactions; index++) {
    const at = index % runs.length
    const run = runs[at]!
    const signedTx = await signMsgSend(cosmos, {
      from: cosmos.accounts[at]!,
      to: cosmos.accounts[(at + 1) % runs.length]!.address,
      amount: 1 + index,
      sequence: run.length,
      accountNumber: at + 1,
    })
    run.push({ ...wishOf(index), chain: cosmos.chainId, story: 'transfer', signedTx, hash: sha256(signedTx) })
  }
  return runs
}

const stories: Readonly<Record<number, Story>> = {
  3: 'abortedAfter',
  5: 'byTwoWallets',
  9: 'abortedBefore',
  13: 'unfunded',
  17: 'reverting',
}

const storyOf = (index: number): Story => stories[index % 20] ?? 'transfer'

const wishOf = (index: number) => ({
  until: untilWords[index % 3]!,
  everyStage: index % 4 === 0,
  abortAfterMs: (index * 37) % 250,
})

function newAccount() {
  const privateKey = generatePrivateKey()
  return { privateKey, address: privateKeyToAddress(privateKey) }
}

async function tell(
  plan: Plan,
  clients: readonly VeilcastClient[],
  wallet: number,
  signal: AbortSignal | undefined,
): Promise<Told> {
  const { story, chain, signedTx, abortAfterMs } = plan
  const startedAtMs = performance.now()
  const abort = new AbortController()
  if (story === 'abortedBefore') abort.abort()
  const timer = story === 'abortedAfter' ? setTimeout(() => abort.abort(), abortAfterMs) : undefined
  const by = [
    clients[wallet]!,
    ...(story === 'byTwoWallets' ? [clients[(wallet + 1) % clients.length]!] : []),
  ]
  try {
    const receipts = await Promise.all(
      by.map((client) =>
        client.submit(
          { chain, signedTx, until: plan.until, everyStage: plan.everyStage },
          { signal: signal ? AbortSignal.any([abort.signal, signal]) : abort.signal },
        ),
      ),
    )
    return { plan, receipts, error: undefined, tookMs: performance.now() - startedAtMs }
  } catch (error) {
    return { plan, receipts: [], error, tookMs: performance.now() - startedAtMs }
  } finally {
    clearTimeout(timer)
  }
}

/** What the chain says of a transaction, undefined where it knows none. */
interface OnChain {
  readonly height: bigint
  readonly blockHash: string
  readonly gasUsed: bigint
  readonly ok: boolean
}

/** Why the outcome that was told is not the chain's; undefined where it is. */
function faultOf(
  { plan, receipts, error }: Told,
  submissions: number,
  chain: OnChain | undefined,
): string | undefined {
  if (error !== undefined) {
    if (!(error instanceof VeilcastError)) return `it ended with ${String(error)}`
    const { errorName, outcome } = error
    const said = `${errorName}, ${outcome}`
    if (outcome === 'notSent' && (submissions > 0 || chain)) return `${said}, and yet it was sent`
    const expected = rightErrors[plan.story]
    if (!expected?.includes(said)) return said
    return submissions > 1 ? `sent ${submissions} times` : undefined
  }
  if (plan.story === 'abortedBefore') return 'it has a receipt'
  if (plan.story === 'unfunded') {
    // `accepted` says that it was taken, before anybody looked at the account.
    const isTaken = plan.until === 'accepted' && receipts.every(({ stage }) => stage === 'accepted')
    return isTaken && submissions === 0 && !chain ? undefined : 'it has a receipt'
  }
  if (!chain) return 'the chain does not have it'
  if (chain.ok !== (plan.story !== 'reverting')) return `the chain says ok: ${chain.ok}`
  if (submissions !== 1) return `sent ${submissions} times`
  for (const receipt of receipts) {
    if (receipt.txId.toLowerCase() !== plan.hash.toLowerCase()) return 'another txId'
    if (!isFarEnough(receipt, plan.until)) return `it resolved at ${receipt.stage}`
    if (!('inclusion' in receipt.state)) continue
    const { height, blockHash, gasUsed } = receipt.state.inclusion
    const told = { height, blockHash: Buffer.from(blockHash).toString('hex'), gasUsed, ok: receipt.ok }
    if (JSON.stringify(told, inText) !== JSON.stringify(chain, inText)) {
      return `told ${JSON.stringify(told, inText)}, and the chain says ${JSON.stringify(chain, inText)}`
    }
  }
  return undefined
}

const rightErrors: Partial<Record<Story, readonly string[]>> = {
  unfunded: ['insufficientFunds, notSent'],
  abortedBefore: ['abortedBeforeSending, notSent'],
  abortedAfter: ['aborted, unknown', 'abortedBeforeSending, notSent'],
}

const inText = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)

function isFarEnough({ stage }: Receipt, until: Until): boolean {
  if (until === 'final') return stage === 'final'
  if (until === 'included') return stage === 'included' || stage === 'final'
  return true
}

async function lookOnAnvil(anvil: Anvil, hash: string): Promise<OnChain | undefined> {
  const found = await anvil.rpc<Record<'blockNumber' | 'blockHash' | 'gasUsed' | 'status', string> | null>(
    'eth_getTransactionReceipt',
    [hash],
  )
  if (!found) return undefined
  return {
    height: BigInt(found.blockNumber),
    blockHash: found.blockHash.slice(2),
    gasUsed: BigInt(found.gasUsed),
    ok: found.status === '0x1',
  }
}

async function lookOnCosmos(cosmos: CosmosChain, hash: string): Promise<OnChain | undefined> {
  const found = await cosmos
    .rpc<{ height: string; tx_result: { code?: number; gas_used: string } }>('tx', {
      hash: Buffer.from(hash, 'hex').toString('base64'),
    })
    .catch(() => undefined)
  if (!found) return undefined
  const { block_id: id } = await cosmos.rpc<{ block_id: { hash: string } }>('block', { height: found.height })
  return {
    height: BigInt(found.height),
    blockHash: id.hash.toLowerCase(),
    gasUsed: BigInt(found.tx_result.gas_used),
    ok: (found.tx_result.code ?? 0) === 0,
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').toUpperCase()
}

/** At most so many at once, in order. */
async function forEach<T, R>(
  items: readonly T[],
  atOnce: number,
  act: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await act(items[at] as T)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}

function latencyOf(told: readonly Told[]) {
  const sorted = told.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1) }
}
