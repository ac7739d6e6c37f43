import { findVeilcastError } from '@veilcast/shared/errors'
import { invalidParams, toNodeError } from './EvmNodeError.ts'
import type { NodeContext } from './NodeContext.ts'
import { readQuantity, toQuantity } from './quantity.ts'

export interface Subscription {
  /** Nothing is heard after it. Idempotent. */
  stop(): void
}

/** Where the broadcaster does not say how long its newest block will last. */
const defaultPauseMs = 4_000
const minPauseMs = 250
const maxPauseMs = 60_000
/** Blocks that were missed, while the mixnet was away, are told up to here; of more the oldest are left out. */
const maxMissedBlocks = 64
/** Logs of the last blocks are asked for again with the new ones: what was there and is no more, a reorg has removed. */
const overlapBlocks = 4
const maxRememberedLogs = 4_096

interface Head {
  readonly number: bigint
  readonly hash: string
}

/** Asks once per block, and says what is new. */
export function subscribe(
  context: NodeContext,
  kind: 'newHeads' | 'logs',
  filter: unknown,
  hear: (item: unknown) => void,
  failed: (error: unknown) => void,
): Subscription {
  const leaving = new AbortController()
  const { signal } = leaving
  const told = (item: unknown) => {
    if (!signal.aborted) hear(item)
  }
  const follow =
    kind === 'newHeads' ? followHeads(context, told, signal) : followLogs(context, filter, told, signal)
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0

  const look = async () => {
    try {
      await follow()
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      failures += 1
      failed(toNodeError(error, 'eth_subscribe'))
      if (isForGood(error)) return leaving.abort()
    }
    if (!signal.aborted) timer = setTimeout(look, pauseMs(context, failures))
  }
  timer = setTimeout(look, 0)
  return {
    stop() {
      clearTimeout(timer)
      leaving.abort()
    },
  }
}

function pauseMs({ client, chain }: NodeContext, failures: number): number {
  if (failures > 0) return Math.min(maxPauseMs, 1_000 * 2 ** Math.min(failures - 1, 10))
  const untilMs = client.head?.(chain)?.freshUntilMs
  const leftMs = untilMs === undefined ? defaultPauseMs : untilMs - performance.now()
  return Math.min(maxPauseMs, Math.max(minPauseMs, leftMs))
}

function isForGood(error: unknown): boolean {
  const name = findVeilcastError(error)?.errorName
  return ['notStarted', 'clientStopped', 'methodNotAllowed', 'invalidParams', 'invalidArgument'].includes(
    name ?? '',
  )
}

type Block = Readonly<Record<string, unknown>>

function followHeads(context: NodeContext, hear: (item: unknown) => void, signal: AbortSignal) {
  /** The newest that were told, in order: a new one's parent is the last of them, or there was a reorg. */
  let chain: Head[] = []

  const readBlock = async (number: bigint | 'latest'): Promise<Block | undefined> => {
    const block = await context.read(
      'eth_getBlockByNumber',
      [number === 'latest' ? number : toQuantity(number), false],
      signal,
    )
    return headOf(block) ? (block as Block) : undefined
  }

  return async () => {
    const newest = await readBlock('latest')
    const head = headOf(newest)
    if (!newest || !head) return
    const last = chain.at(-1)
    if (last?.hash === head.hash || (last && head.number < last.number - BigInt(maxMissedBlocks))) return

    const fresh = [newest]
    const missed = last ? Number(head.number - last.number) - 1 : 0
    const from = head.number - BigInt(Math.min(Math.max(missed, 0), maxMissedBlocks))
    const between = Array.from({ length: Number(head.number - from) }, (_, n) => from + BigInt(n))
    const blocks = await Promise.all(between.map(readBlock))
    fresh.unshift(...blocks.filter((block) => block !== undefined))
    // Back from the oldest of the new ones to one that was told: those in between came by a reorg.
    while (last && missed < maxMissedBlocks && fresh.length < maxMissedBlocks) {
      const oldest = fresh[0] as Block
      const { number } = headOf(oldest) as Head
      if (number === 0n || chain.some(({ hash }) => hash === oldest.parentHash)) break
      if (number <= (chain[0]?.number ?? 0n)) break
      const parent = await readBlock(number - 1n)
      if (!parent) break
      fresh.unshift(parent)
    }
    for (const block of fresh) {
      const one = headOf(block)
      if (!one || chain.some(({ hash }) => hash === one.hash)) continue
      chain = [...chain.filter(({ number }) => number < one.number), one].slice(-maxMissedBlocks)
      const { transactions: _, uncles: __, withdrawals: ___, ...header } = block
      hear(header)
    }
  }
}

function headOf(block: unknown): Head | undefined {
  if (typeof block !== 'object' || block === null) return undefined
  const { number, hash } = block as Block
  const height = readQuantity(number)
  return height === undefined || typeof hash !== 'string' ? undefined : { number: height, hash }
}

type Log = Readonly<Record<string, unknown>>

function followLogs(
  context: NodeContext,
  filter: unknown,
  hear: (item: unknown) => void,
  signal: AbortSignal,
) {
  const given = filter ?? {}
  if (typeof given !== 'object') throw invalidParams('the filter is an object')
  const { address, topics } = given as { address?: unknown; topics?: unknown }
  const asked = { ...(address === undefined ? {} : { address }), ...(topics === undefined ? {} : { topics }) }
  let start: bigint | undefined
  let last: bigint | undefined
  let remembered = new Map<string, Log>()

  return async () => {
    const height = readQuantity(await context.read('eth_blockNumber', [], signal))
    if (height === undefined || height === last) return
    if (start === undefined || last === undefined) {
      // Those of the block that is there already were not asked for.
      start = height + 1n
      last = height
      return
    }
    const oldest = min(last, height) - BigInt(overlapBlocks) + 1n
    const bound = height - BigInt(maxMissedBlocks)
    const from = max(start, max(oldest, bound))
    if (from > height) return
    const logs = (await context.read(
      'eth_getLogs',
      [{ ...asked, fromBlock: toQuantity(from), toBlock: toQuantity(height) }],
      signal,
    )) as readonly Log[]
    last = height

    const present = new Map(logs.map((log) => [`${log.blockHash}/${log.logIndex}`, log]))
    for (const [id, log] of remembered) {
      if ((readQuantity(log.blockNumber) ?? 0n) >= from && !present.has(id)) {
        remembered.delete(id)
        hear({ ...log, removed: true })
      }
    }
    for (const [id, log] of present) {
      if (remembered.has(id)) continue
      remembered.set(id, log)
      hear(log)
    }
    const forget = height - BigInt(overlapBlocks)
    remembered = new Map(
      [...remembered]
        .filter(([, log]) => (readQuantity(log.blockNumber) ?? 0n) >= forget)
        .slice(-maxRememberedLogs),
    )
  }
}

const min = (a: bigint, b: bigint) => (a < b ? a : b)
const max = (a: bigint, b: bigint) => (a > b ? a : b)
