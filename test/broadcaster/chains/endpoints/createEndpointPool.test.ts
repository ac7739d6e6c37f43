import { afterEach, describe, expect, it } from '@jest/globals'
import { ChainUnavailable } from '../../../../broadcaster/dist/chains/ChainAdapter.js'
import {
  createEndpointPool,
  type EndpointPoolOptions,
} from '../../../../broadcaster/dist/chains/endpoints/createEndpointPool.js'
import { EndpointProblem } from '../../../../broadcaster/dist/chains/endpoints/EndpointProblem.js'
import { until } from '../../../support/until.ts'

type Node = { height: bigint; onRightChain: boolean; fails?: unknown; probes: number; name: string }

const pools: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.stop()
})

function setUp(names: string[], options: Partial<EndpointPoolOptions<Node>> = {}) {
  const nodes = names.map((name): Node => ({ name, height: 100n, onRightChain: true, probes: 0 }))
  const pool = createEndpointPool<Node>({
    endpoints: nodes.map((client) => ({ id: client.name, operator: `op-${client.name}`, client })),
    probe: async (node) => {
      node.probes++
      if (node.fails) throw node.fails
      return { onRightChain: node.onRightChain, height: node.height }
    },
    probeIntervalMs: 20,
    ...options,
  })
  pools.push(pool)
  const troubles = () => Object.fromEntries(pool.health().map(({ id, trouble }) => [id, trouble]))
  return { pool, nodes, troubles }
}

describe('createEndpointPool', () => {
  it('is not live before its first good probe', async () => {
    const { pool } = setUp(['a'])
    expect(pool.live()).toBe(false)
    expect(pool.pick()).toBeUndefined()
    await expect(pool.ask(async () => 1)).rejects.toThrow(ChainUnavailable)
    pool.start()
    await until(() => pool.live())
    expect(pool.pick()).toBe('a')
    expect(pool.health()[0]).toMatchObject({
      id: 'a',
      operator: 'op-a',
      live: true,
      height: 100n,
      trouble: 'none',
    })
    expect(pool.health()[0]!.latencyMs).toBeGreaterThanOrEqual(0)
  })

  it('behavior: names what is wrong with each, and takes it back when it is well again', async () => {
    const { pool, nodes, troubles } = setUp(['down', 'elsewhere', 'late', 'busy', 'well'])
    nodes[0]!.fails = new Error('connect ECONNREFUSED http://key@secret')
    nodes[1]!.onRightChain = false
    nodes[2]!.height = 94n
    nodes[3]!.fails = new EndpointProblem('rateLimited')
    pool.start()
    const ill = {
      down: 'unreachable',
      elsewhere: 'wrongChain',
      late: 'behind',
      busy: 'rateLimited',
      well: 'none',
    }
    await until(() => JSON.stringify(troubles()) === JSON.stringify(ill))
    for (let i = 0; i < 20; i++) expect(pool.pick()).toBe('well')
    expect(pool.pick({ sticky: 'late' })).toBe('well')
    expect(pool.get('late')?.client).toBe(nodes[2])

    nodes[0]!.fails = undefined
    nodes[1]!.onRightChain = true
    nodes[2]!.height = 96n
    nodes[3]!.fails = undefined
    await until(() => pool.health().every(({ live }) => live))
    expect(pool.pick({ sticky: 'late' })).toBe('late')
    expect(pool.pick({ sticky: 'late', avoid: new Set(['late', 'down', 'busy', 'well']) })).toBe('elsewhere')
  })

  it('behavior: one operator alone cannot make all others look late', async () => {
    const { pool, nodes, troubles } = setUp(['liar', 'b', 'c'])
    nodes[0]!.height = 10n ** 12n
    pool.start()
    await until(() => pool.health().every(({ height }) => height > 0n))
    expect(troubles()).toEqual({ liar: 'none', b: 'none', c: 'none' })
  })

  it('behavior: blocks that come between the probes of two make neither of them late', async () => {
    let height = 100n
    const { pool, nodes, troubles } = setUp(['a', 'b'], {
      probe: async (node) => {
        node.probes++
        height += 50n
        return { onRightChain: true, height }
      },
    })
    pool.start()
    for (let probes = 1; probes < 12; probes++) {
      await until(() => nodes[0]!.probes + nodes[1]!.probes > probes)
      expect(Object.values(troubles())).not.toContain('behind')
    }
  })

  it('behavior: asks another when one fails, and sets that one aside', async () => {
    const { pool, nodes, troubles } = setUp(['a', 'b', 'c'], { probeIntervalMs: 200 })
    pool.start()
    await until(() => pool.health().every(({ live }) => live))
    const asked: string[] = []
    const answer = await pool.ask(async (node) => {
      asked.push(node.name)
      if (asked.length === 1) throw new Error('socket hang up')
      if (asked.length === 2) throw new EndpointProblem('none')
      return node.name
    })
    expect(asked).toHaveLength(3)
    expect(answer).toBe(asked[2])
    expect(troubles()).toEqual({ a: 'none', b: 'none', c: 'none', [asked[0]!]: 'unreachable' })
    const probes = nodes.find(({ name }) => name === asked[0])!.probes
    await until(() => pool.health().every(({ live }) => live))
    expect(nodes.find(({ name }) => name === asked[0])!.probes).toBeGreaterThan(probes)
  })

  it('behavior: gives up after maxAttempts, and keeps to itself what endpoints said', async () => {
    const { pool } = setUp(['a', 'b', 'c'], { maxAttempts: 2 })
    pool.start()
    await until(() => pool.health().every(({ live }) => live))
    let asked = 0
    const failure = await pool
      .ask(async () => {
        asked++
        throw new EndpointProblem('none', 'https://node.example/secret-key')
      })
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ChainUnavailable)
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('secret')
    expect(asked).toBe(2)
  })

  it('behavior: a question that hangs ends at its deadline', async () => {
    const { pool, troubles } = setUp(['a'], { askTimeoutMs: 10, probeIntervalMs: 60_000 })
    pool.start()
    await until(() => pool.live())
    await expect(pool.ask(() => new Promise(() => {}))).rejects.toThrow(ChainUnavailable)
    expect(troubles()).toEqual({ a: 'unreachable' })
  })

  it('behavior: an abort ends a question and holds nothing against the endpoint', async () => {
    const { pool, troubles } = setUp(['a'])
    pool.start()
    await until(() => pool.live())
    const abort = new AbortController()
    const asking = pool.ask(() => new Promise(() => {}), { signal: abort.signal })
    abort.abort()
    await expect(asking).rejects.toMatchObject({ name: 'AbortError' })
    expect(troubles()).toEqual({ a: 'none' })
  })

  it('behavior: many failures at once are one trouble, and a report during a probe outlasts it', async () => {
    let finish = () => {}
    const hold = { on: false }
    const { pool, troubles } = setUp(['a'], {
      probeIntervalMs: 15,
      probe: async (node) => {
        node.probes++
        if (hold.on) {
          await new Promise<void>((resolve) => {
            finish = resolve
          })
        }
        return { onRightChain: true, height: 1n }
      },
    })
    pool.start()
    await until(() => pool.live())
    const before = pool.get('a')!.client.probes
    hold.on = true
    await until(() => pool.get('a')!.client.probes > before)
    for (let i = 0; i < 100; i++) pool.report('a', 'unreachable')
    hold.on = false
    finish()
    await Promise.resolve()
    expect(troubles()).toEqual({ a: 'unreachable' })
    await until(() => pool.live())
    expect(pool.get('a')!.client.probes).toBe(before + 2)
  })

  it('behavior: nothing is probed after stop', async () => {
    const { pool, nodes } = setUp(['a'], { probeIntervalMs: 1 })
    pool.start()
    await until(() => pool.live())
    await pool.stop()
    const { probes } = nodes[0]!
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(nodes[0]!.probes).toBe(probes)
    expect(pool.live()).toBe(false)
  })
})
