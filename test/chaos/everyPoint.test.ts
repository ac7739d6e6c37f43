import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import type { StoreConfig } from '@veilcast/broadcaster'
import type { Receipt } from '@veilcast/client'
import { type Anvil, type AnvilAccount, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import pg from 'pg'
import { crashChain, type Kill, liveThrough, type Story } from '../support/crash.ts'
import { signEthTransfer } from '../support/devnetSign.ts'
import { makeFolder } from '../support/path.ts'
import { endAll, processesWith } from '../support/processes.ts'
import { describeWithRedis, startPostgres, startRedis } from '../support/store.ts'

const limitMs = 900_000

/** What a broadcaster does to start, in order. */
const starting = [
  'start:store#1',
  'life:incarnation#1',
  'life:acknowledge#1',
  'start:scheduler#1',
  'start:mixnet#1',
  'start:watch#1',
] as const

/**
 * What it does from the first message to the last answer, in order: whatever it writes, sends or takes on. A new operation
 * has to be added here, or the first test fails.
 */
const path = [
  'admit#1',
  'add:submit#1',
  'job:submit#1',
  'reply#1',
  'lease:lane#1',
  'preflight#1',
  'update:exposed#1',
  'submit#1',
  'unlease:lane#1',
  'add:blocks#1',
  'job:confirm#1',
  'readBlock#1',
  'match#1',
  'update:included#1',
  'saveCursor#1',
  'settledUpTo#1',
  'update:final#1',
  'reply#2',
] as const
/** What looks around on a clock of its own, and changes nothing. */
const passing = ['lease:head', 'sweep']

/** Of these nobody has told the killed process what came of them. */
const unanswered: readonly string[] = ['admit#1', 'update:exposed#1', 'submit#1', 'update:included#1']

/** Each point before, during and after, once and twice, over each store. */
const isWhole = process.env.VEILCAST_TEST_CHAOS === 'all'
const lanes = 6
/** How long a killed server stays away. */
const awayMs = 500

/** Where a record changes hands: over the slower stores these alone. */
const turns: readonly string[] = isWhole
  ? path
  : ['admit#1', 'update:exposed#1', 'submit#1', 'update:included#1']

const loopback = createLoopback({ seed: 3 })
/** One for all: a store is of one key file. */
const secret = randomBytes(32).toString('hex')
let anvil: Anvil

beforeAll(async () => {
  anvil = await startAnvil({ blockTimeMs: 1000 })
})
afterAll(() => anvil?.stop())
afterEach(endAll)

const moments = ['before', 'during', 'after'] as const

function killAt(point: string, when: Kill['when']): Kill {
  const [name = '', nth] = point.split('#')
  return { name, nth: Number(nth), when }
}

/** An answer that is out is no longer a point to be killed at. */
function momentOf(point: string): Kill['when'] {
  if (point === 'reply#2') return 'before'
  return unanswered.includes(point) ? 'during' : 'after'
}

/**
 * Kills of one story after the other; a process that does not come by the second point is the last. The one that was to
 * mend it is killed while it starts, or where the first one was.
 */
function plan(chosen: readonly string[]): Kill[][] {
  if (isWhole) {
    return [...starting, ...chosen].flatMap((point) =>
      moments.flatMap((when) => [[killAt(point, when)], [killAt(point, when), killAt(point, when)]]),
    )
  }
  const others = chosen.filter((point) => !turns.includes(point))
  return chosen.map((point) => {
    const kill = killAt(point, momentOf(point))
    if (turns.includes(point)) return [kill, kill]
    const start = starting[others.indexOf(point)]
    return start === undefined ? [kill] : [kill, killAt(start, 'after')]
  })
}

/** The same of the store's server; a broadcaster that lives on comes by each point once. */
function planOfStore(chosen: readonly string[]): Kill[][] {
  return chosen.flatMap((point) =>
    (isWhole ? moments : [momentOf(point)]).map((when): Kill[] => [
      { ...killAt(point, when), victim: 'store' },
    ]),
  )
}

type NewStore = () => Promise<{
  readonly store: StoreConfig
  readonly storePid?: number
  readonly storePidFile?: string
  readonly onKilled?: () => Promise<void>
  remove(): Promise<void>
}>

async function live(
  newStore: NewStore,
  from: AnvilAccount,
  kills: readonly Kill[],
  tell = false,
): Promise<Story> {
  const signedTx = await signEthTransfer(anvil, { from, to: anvil.accounts[9]!.address, valueWei: 1n })
  const { onKilled, remove, ...storeSetup } = await newStore()
  try {
    return await liveThrough({
      loopback,
      setup: { ...storeSetup, chain: crashChain(anvil), secret, tell },
      signedTx,
      kills,
      ...(kills[0]?.victim === 'store' ? { onRefused: submitAgain } : {}),
      ...(onKilled ? { onKilled } : {}),
    })
  } finally {
    await remove()
  }
}

/** A caller who was told that the store is away, and that it is not known what became of it, tries the same bytes again. */
async function submitAgain(error: unknown, submit: () => Promise<Receipt>): Promise<Receipt> {
  expect(error).toMatchObject({ errorName: 'storeUnavailable', outcome: 'unknown' })
  await delay(500)
  return submit().catch((again: unknown) => submitAgain(again, submit))
}

async function expectToSurvive(newStore: NewStore, from: AnvilAccount, kills: readonly Kill[]) {
  const sent = () => anvil.rpc<string>('eth_getTransactionCount', [from.address, 'latest'])
  const sentBefore = Number(await sent())
  const { receipt, progress, killedAt } = await live(newStore, from, kills)
  // Else the story is about nothing.
  const planned = kills.map(({ name, nth }) => `${name}#${nth}`)
  expect(killedAt).toEqual(killedAt.length === 1 ? [planned[0]] : planned)
  expect(receipt).toMatchObject({ ok: true, stage: 'final' })
  const stages = progress.map(({ stage }) => stage)
  expect(stages).not.toContain('refused')
  // What was accepted needs nobody's second word.
  if (stages.includes('accepted'))
    expect(stages.indexOf('accepted')).toBeGreaterThan(stages.lastIndexOf('sending'))
  expect(await anvil.rpc('eth_getTransactionReceipt', [receipt.txId])).toMatchObject({ status: '0x1' })
  expect(Number(await sent()) - sentBefore).toBe(1)
}

interface Named {
  readonly over: string
  readonly newStore: NewStore
  readonly kills: readonly Kill[]
}

/** Several stories at a time, since each mostly waits for locks to run out. */
async function failuresOf(stories: readonly Named[]): Promise<string[]> {
  const failures: string[] = []
  const queue = stories.values()
  await Promise.all(
    anvil.accounts.slice(0, lanes).map(async (from) => {
      for (const { over, newStore, kills } of queue) {
        const what = kills.map(({ name, nth, when }) => `${when} ${name}#${nth}`).join(', then ')
        await expectToSurvive(newStore, from, kills).catch((error: unknown) => {
          failures.push(`${over}, ${what}: ${error instanceof Error ? error.message : error}`)
        })
      }
    }),
  )
  return failures
}

describeWithRedis('kill -9 of the broadcaster', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  let postgres: Awaited<ReturnType<typeof startPostgres>>
  let databases = 0
  beforeAll(async () => {
    redis = await startRedis(['--databases', '1024'])
    postgres = await startPostgres()
  }, limitMs)
  afterAll(async () => {
    await redis?.stop()
    await postgres?.stop()
  }, limitMs)

  const onRedis: NewStore = async () => ({
    store: { kind: 'redis', url: `${redis.url}/${databases++}` },
    async remove() {},
  })
  const onPostgres: NewStore = async () => {
    const name = `story_${databases++}`
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    await client.query(`create database ${name}`)
    await client.end()
    return {
      store: { kind: 'postgres', url: postgres.url.replace('/postgres?', `/${name}?`) },
      async remove() {},
    }
  }
  /** Its server is killed with it. */
  const onEmbedded: NewStore = async () => {
    const folder = await makeFolder()
    const dataDir = join(folder.path, 'postgres')
    return {
      store: { kind: 'embedded', dataDir },
      storePidFile: join(dataDir, 'data', 'postmaster.pid'),
      async onKilled() {
        const pid = await readFile(join(dataDir, 'data', 'postmaster.pid'), 'utf8')
        process.kill(Number.parseInt(pid, 10), 'SIGKILL')
      },
      async remove() {
        for (const line of await processesWith(dataDir)) process.kill(Number.parseInt(line, 10), 'SIGKILL')
        await folder.remove()
      },
    }
  }

  it('these are the points', async () => {
    const story = await live(onRedis, anvil.accounts[0]!, [], true)
    const names = (list: readonly string[]): string[] =>
      [...new Set(list.map((point) => point.split('#')[0]!))].sort()
    expect(names(story.points).filter((name) => !passing.includes(name))).toEqual(
      names([...starting, ...path]),
    )
  })

  it(
    'at each, the promise of submit resolves with the right receipt, and the chain has it once',
    async () => {
      const over = (name: string, newStore: NewStore, chosen: readonly string[]): Named[] =>
        plan(chosen).map((kills) => ({ over: name, newStore, kills }))
      const stories = [
        ...over('embedded Postgres', onEmbedded, turns),
        ...over('Postgres', onPostgres, isWhole ? path : ['update:exposed#1', 'submit#1']),
        ...over('Redis', onRedis, path),
      ]
      expect(await failuresOf(stories)).toEqual([])
    },
    limitMs,
  )

  it(
    'and so it does where the store is killed under a broadcaster that goes on',
    async () => {
      const newRedis: NewStore = async () => {
        const server = await startRedis()
        return {
          store: { kind: 'redis', url: server.url },
          storePid: server.pid,
          async onKilled() {
            await delay(awayMs)
            await server.restart()
          },
          remove: () => server.stop(),
        }
      }
      // It comes back by itself.
      const newEmbedded: NewStore = async () => {
        const { store, storePidFile, remove } = await onEmbedded()
        return { store, remove, ...(storePidFile === undefined ? {} : { storePidFile }) }
      }
      const stories = [
        ...planOfStore(turns).map((kills) => ({ over: 'embedded Postgres', newStore: newEmbedded, kills })),
        ...planOfStore(
          isWhole ? path : path.filter((point, index) => turns.includes(point) || index % 3 === 1),
        ).map((kills) => ({ over: 'Redis', newStore: newRedis, kills })),
      ]
      expect(await failuresOf(stories)).toEqual([])
    },
    limitMs,
  )
})
