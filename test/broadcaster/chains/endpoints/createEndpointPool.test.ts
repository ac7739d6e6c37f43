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
    expect(pool.pick()).toEqual([])
    await expect(pool.ask(async () => 1)).rejects.toThrow(ChainUnavailable)
    pool.start()
    await until(() => pool.live())
    expect(pool.pick()).toEqual(['a'])
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
    for (let i = 0; i < 20; i++) expect(pool.pick()).toEqual(['well'])
    expect(pool.pick({ sticky: ['late'] })).toEqual(['well'])

    nodes[0]!.fails = undefined
    nodes[1]!.onRightChain = true
    nodes[2]!.height = 96n
    nodes[3]!.fails = undefined
    await until(() => pool.health().every(({ live }) => live))
    expect(pool.pick({ sticky: ['late'] })).toEqual(['late'])
    expect(pool.pick({ sticky: ['late'], avoid: new Set(['late', 'down', 'busy', 'well']) })).toEqual([
      'elsewhere',
    ])
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
    const { pool, nodes, troubles } = setUp(['a'], {
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
    const before = nodes[0]!.probes
    hold.on = true
    await until(() => nodes[0]!.probes > before)
    for (let i = 0; i < 100; i++) pool.report('a', 'unreachable')
    hold.on = false
    finish()
    await Promise.resolve()
    expect(troubles()).toEqual({ a: 'unreachable' })
    await until(() => pool.live())
    expect(nodes[0]!.probes).toBe(before + 2)
  })

  describe('breaker', () => {
    /** Of one endpoint, whose probes come as soon as a test says so. */
    const far = { probeIntervalMs: 60_000 }
    const shown = (pool: ReturnType<typeof setUp>['pool'], id: string) =>
      pool.health().find((one) => one.id === id)!

    it('default: closed, open, half open, closed, with when and how often', async () => {
      const { pool, nodes } = setUp(['a'], { probeIntervalMs: 50 })
      await pool.start()
      expect(shown(pool, 'a')).toMatchObject({
        breaker: 'closed',
        openedAtMs: undefined,
        failuresInARow: 0,
        requests: 1,
        failures: 0,
      })
      nodes[0]!.fails = new Error('away')
      const beforeMs = Date.now()
      await expect(pool.ask(() => Promise.reject(new Error('socket hang up')))).rejects.toThrow(
        ChainUnavailable,
      )
      const opened = shown(pool, 'a')
      expect(opened).toMatchObject({ breaker: 'open', live: false, trouble: 'unreachable', failures: 1 })
      expect(opened.openedAtMs).toBeGreaterThanOrEqual(beforeMs)
      expect(opened.nextProbeAtMs).toBeGreaterThan(opened.openedAtMs!)
      expect(opened.score).toBeLessThan(0.6)

      await until(() => shown(pool, 'a').failuresInARow >= 3)
      expect(shown(pool, 'a')).toMatchObject({ breaker: 'open', openedAtMs: opened.openedAtMs })
      nodes[0]!.fails = undefined
      await until(() => shown(pool, 'a').breaker !== 'open')
      // Nobody asks: good probes close it too.
      await until(() => shown(pool, 'a').breaker === 'closed')
      const closed = shown(pool, 'a')
      expect(closed).toMatchObject({ live: true, openedAtMs: undefined, failuresInARow: 0 })
      expect(closed.requests).toBeGreaterThanOrEqual(closed.failures + 4)
    })

    it('behavior: half open it is asked one question at a time, and closed once three were answered', async () => {
      let fails = false
      const { pool, nodes } = setUp(['a', 'b'], {
        probeIntervalMs: 100,
        random: () => 0.5,
        probe: async (node) => {
          node.probes++
          // Only its first probe after the trouble tells that it is back: the next ones never come to an end.
          if (node.name === 'a' && fails && node.probes > 2) await new Promise(() => {})
          return { onRightChain: true, height: 1n }
        },
        probeTimeoutMs: 60_000,
      })
      await pool.start()
      fails = true
      pool.report('a', 'unreachable')
      await until(() => shown(pool, 'a').breaker === 'halfOpen')
      expect(nodes[0]!.probes).toBe(2)

      let finish = () => {}
      const held = new Promise<void>((resolve) => {
        finish = resolve
      })
      const asked: string[] = []
      const asking = Array.from({ length: 20 }, () =>
        pool.ask(async (node) => {
          asked.push(node.name)
          await held
        }),
      )
      await until(() => asked.length === 20)
      expect(asked.filter((name) => name === 'a').length).toBeLessThanOrEqual(1)
      finish()
      await Promise.all(asking)
      // A transaction is no trial.
      for (let i = 0; i < 20; i++) expect(pool.pick()).toEqual(['b'])
      expect(pool.pick({ sticky: ['a'] })).toEqual(['a'])
      while (shown(pool, 'a').breaker !== 'closed') {
        await pool.askOne('a', async () => {})
        expect(['halfOpen', 'closed']).toContain(shown(pool, 'a').breaker)
      }
      const answered: string[] = []
      for (let i = 0; i < 3; i++) {
        await pool.askOthers(
          'b',
          async (node) => void answered.push(node.name),
          () => true,
        )
      }
      expect(answered).toEqual(['a', 'a', 'a'])
    })

    it('behavior: half open it takes everything where no other is closed', async () => {
      const { pool, nodes } = setUp(['a'], { probeIntervalMs: 100 })
      await pool.start()
      pool.report('a', 'unreachable')
      await until(() => shown(pool, 'a').breaker === 'halfOpen')
      expect(pool.live()).toBe(true)
      expect(pool.pick()).toEqual(['a'])
      const all = await Promise.all(Array.from({ length: 20 }, () => pool.ask(async (node) => node.name)))
      expect(all).toEqual(all.map(() => nodes[0]!.name))
      expect(shown(pool, 'a').breaker).toBe('closed')
    })

    const pauseOf = (pool: ReturnType<typeof setUp>['pool'], id: string, intervalMs: number) => {
      const beforeMs = Date.now()
      pool.report(id, 'unreachable')
      return Math.round((shown(pool, id).nextProbeAtMs! - beforeMs) / intervalMs)
    }

    it('behavior: one that flaps is left alone for longer each time, until it was well for as long', async () => {
      const { pool, nodes } = setUp(['a', 'b'], { probeIntervalMs: 40, random: () => 0.5 })
      await pool.start()
      const pauses: number[] = []
      for (let round = 0; round < 4; round++) {
        pauses.push(pauseOf(pool, 'a', 40))
        await until(() => shown(pool, 'a').breaker === 'halfOpen')
      }
      expect(pauses.map((pause, round) => pause >= 2 ** round)).toEqual([true, true, true, true])
      await until(() => shown(pool, 'a').breaker === 'closed')
      const { probes } = nodes[0]!
      await until(() => nodes[0]!.probes >= probes + 5)
      expect(pauseOf(pool, 'a', 40)).toBeLessThanOrEqual(1)
    })

    it('behavior: the only one is looked for soon, however often it failed', async () => {
      const { pool } = setUp(['a'], { probeIntervalMs: 40, random: () => 0.5 })
      await pool.start()
      for (let round = 0; round < 6; round++) {
        expect(pauseOf(pool, 'a', 40)).toBeLessThanOrEqual(2)
        await until(() => shown(pool, 'a').breaker === 'halfOpen')
      }
    })

    it('behavior: what is late is left alone until it has caught up, and then asked at once', async () => {
      const { pool, nodes } = setUp(['late', 'b'])
      nodes[0]!.height = 1n
      await pool.start()
      await until(() => shown(pool, 'late').trouble === 'behind')
      expect(shown(pool, 'late')).toMatchObject({ breaker: 'open', live: false, failures: 0 })
      expect(shown(pool, 'late').openedAtMs).toBeGreaterThan(0)
      nodes[0]!.height = 100n
      await until(() => shown(pool, 'late').live)
      expect(shown(pool, 'late')).toMatchObject({ breaker: 'closed', openedAtMs: undefined })
    })

    it('behavior: the score falls with failures and with time; what a stranger asked slowly is not in it', async () => {
      const { pool } = setUp(['quick', 'slow', 'failing'], {
        ...far,
        walletTimeoutMs: 5,
        probe: async (node) => {
          if (node.name === 'slow') await new Promise((resolve) => setTimeout(resolve, 400))
          return { onRightChain: true, height: 1n }
        },
      })
      await pool.start()
      await expect(pool.askForWallet(() => new Promise(() => {}))).rejects.toThrow(ChainUnavailable)
      for (let i = 0; i < 3; i++) {
        await pool.askOne('failing', () => Promise.reject(new EndpointProblem('rateLimited'))).catch(() => {})
      }
      const [quick, slow, failing] = pool.health().map(({ score }) => score)
      expect(quick).toBeLessThanOrEqual(1)
      expect(slow).toBeLessThan(quick!)
      expect(failing).toBeLessThan(slow!)
      expect(pool.health().map(({ failures }) => failures)).toEqual([0, 0, 3])
    })

    it('behavior: by choice the better score is asked more often', async () => {
      const failed = async (choice: 'uniform' | 'scored') => {
        const { pool } = setUp(['good', 'bad'], { choice })
        await pool.start()
        for (let i = 0; i < 2000; i++) {
          await pool.askOne('bad', () => Promise.reject(new EndpointProblem('unreachable'))).catch(() => {})
        }
        await until(() => shown(pool, 'bad').breaker === 'closed')
        return pool
      }
      const [uniform, scored] = [await failed('uniform'), await failed('scored')]
      const count = async (of: typeof scored) => {
        const asked = { good: 0, bad: 0 }
        for (let i = 0; i < 400; i++) await of.ask(async (node) => void asked[node.name as 'good' | 'bad']++)
        return asked
      }
      expect((await count(uniform)).bad).toBeGreaterThan(100)
      expect((await count(scored)).bad).toBeLessThan(100)
    })
  })

  it('behavior: tells how long each request took and what came of it, probes too', async () => {
    const { pool } = setUp(['a'], { probeIntervalMs: 60_000 })
    const told: [string, number, string][] = []
    pool.onAnswer((...one) => told.push(one))
    await pool.start()
    await pool.ask(async () => 1)
    await pool.ask(() => Promise.reject(new EndpointProblem('rateLimited'))).catch(() => {})
    expect(told.map(([id, , outcome]) => [id, outcome])).toEqual([
      ['a', 'answered'],
      ['a', 'answered'],
      ['a', 'rateLimited'],
    ])
    for (const [, seconds] of told) expect(seconds).toBeGreaterThanOrEqual(0)
  })

  describe('pick', () => {
    it('of several operators: one endpoint each, those that have the sender first', async () => {
      const { pool } = setUp(['a', 'b', 'c'])
      await pool.start()
      for (let i = 0; i < 20; i++) {
        const picked = pool.pick({ operators: 2 })
        expect(new Set(picked).size).toBe(2)
        expect(pool.pick({ sticky: ['c', 'a'], operators: 2 })).toEqual(['c', 'a'])
        expect(pool.pick({ sticky: ['b'], operators: 2 })[0]).toBe('b')
      }
      expect(pool.pick({ operators: 8 })).toHaveLength(3)
    })

    it('behavior: two endpoints of one operator are one', async () => {
      const pool = createEndpointPool<string>({
        endpoints: ['a1', 'a2', 'b'].map((id) => ({ id, operator: id[0]!, client: id })),
        probe: async () => ({ onRightChain: true, height: 1n }),
      })
      pools.push(pool)
      await pool.start()
      for (let i = 0; i < 20; i++) expect(pool.pick({ operators: 2 })).toContain('b')
    })

    it('behavior: each is as likely as the next', async () => {
      const { pool } = setUp(['a', 'b', 'c'])
      await pool.start()
      const counts = { a: 0, b: 0, c: 0 }
      for (let i = 0; i < 3000; i++) counts[pool.pick()[0] as 'a' | 'b' | 'c']++
      // Six standard deviations of a fair choice.
      for (const count of Object.values(counts)) expect(Math.abs(count - 1000)).toBeLessThan(160)
    })
  })

  describe('askOthers', () => {
    const connect = async (ids: readonly string[]) => {
      const pool = createEndpointPool<string>({
        endpoints: ids.map((id) => ({ id, operator: id[0]!, client: id })),
        probe: async () => ({ onRightChain: true, height: 1n }),
      })
      pools.push(pool)
      await pool.start()
      return async (than: string) => {
        const said = await pool.askOthers(
          than,
          async (id) => id,
          () => false,
        )
        return said.map(({ id }) => id).sort()
      }
    }

    it('asks other operators, once each', async () => {
      const others = await connect(['a1', 'a2', 'b1', 'c1'])
      expect(await others('a1')).toEqual(['b1', 'c1'])
      expect(await others('b1')).toHaveLength(2)
    })

    it('behavior: other endpoints of the same operator where there is no other', async () => {
      const others = await connect(['a1', 'a2', 'a3'])
      expect(await others('a2')).toEqual(['a1', 'a3'])
    })

    it('behavior: nobody where it is alone', async () => {
      const others = await connect(['a1'])
      expect(await others('a1')).toEqual([])
    })
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
