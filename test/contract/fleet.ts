import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type AuditEntry, type Fleet, maxAuditEntries } from '../../broadcaster/dist/fleet/Fleet.js'
import { maxProcesses, type ProcessReport } from '../../broadcaster/dist/fleet/ProcessReport.js'
import { maxSampleBytes, type Sample, spans } from '../../broadcaster/dist/fleet/Sample.js'
import { type Store, StoreError } from '../../broadcaster/dist/store/index.js'
import { aReport, aSample } from '../support/fleet.ts'
import type { StoreServer } from '../support/store.ts'
import { until } from '../support/until.ts'

/** What the fleet's own notes promise, whatever server is beneath. */
export function describeFleetContract(name: string, startServer: () => Promise<StoreServer>): void {
  describe(`fleet contract: ${name}`, () => {
    let server: StoreServer
    let store: Store
    let fleet: Fleet

    beforeAll(async () => {
      server = await startServer()
      store = server.open()
      await store.start()
      fleet = store.fleet
    }, 60_000)
    beforeEach(() => server.clean())
    afterAll(() => server.stop(), 60_000)

    const minute = 60_000
    const reports = async (): Promise<ProcessReport[]> =>
      (await fleet.processes()).map(({ report }) => report)
    const ids = async (): Promise<string[]> => (await reports()).map(({ id }) => id)

    it('gives back what a process said last, word for word', async () => {
      await fleet.publish(aReport({ id: 'process-1', askers: 1 }), minute)
      const last = aReport({ id: 'process-1', askers: 2, name: 'größer "x" \u2028 \\' })
      await fleet.publish(last, minute)
      expect(await reports()).toEqual([last])
    })

    it('sorts by name, and then by start', async () => {
      await fleet.publish(aReport({ id: 'process-3', name: 'b', startedAtMs: 1 }), minute)
      await fleet.publish(aReport({ id: 'process-2', name: 'a', startedAtMs: 2 }), minute)
      await fleet.publish(aReport({ id: 'process-1', name: 'a', startedAtMs: 1 }), minute)
      expect(await ids()).toEqual(['process-1', 'process-2', 'process-3'])
    })

    it('says by its own clock how long ago it heard of a process, and how far that one is off', async () => {
      await fleet.publish(aReport({ id: 'process-1', atMs: Date.now() + 3_600_000 }), minute)
      const [first] = await fleet.processes()
      expect(first!.clockAheadMs).toBeGreaterThan(3_000_000)
      expect(first!.clockAheadMs).toBeLessThanOrEqual(3_601_000)
      await until(async () => (await fleet.processes())[0]!.heardMsAgo > first!.heardMsAgo + 50)
      await fleet.publish(aReport({ id: 'process-1', atMs: Date.now() }), minute)
      const [again] = await fleet.processes()
      expect(Math.abs(again!.clockAheadMs)).toBeLessThan(60_000)
    })

    it('forgets a process that was silent for too long, or said goodbye', async () => {
      await fleet.publish(aReport({ id: 'process-1' }), 1)
      await fleet.publish(aReport({ id: 'process-2' }), minute)
      await until(async () => !(await ids()).includes('process-1'))
      expect(await ids()).toEqual(['process-2'])
      await fleet.remove('process-2')
      await fleet.remove('process-2')
      expect(await ids()).toEqual([])
      await fleet.publish(aReport({ id: 'process-1' }), minute)
      expect(await ids()).toEqual(['process-1'])
    })

    it('keeps a bounded number of processes, and drops those heard longest ago', async () => {
      const numbered = (number: number): string => `process-${String(number).padStart(4, '0')}`
      for (let number = 0; number < maxProcesses; number++) {
        await fleet.publish(aReport({ id: numbered(number) }), minute)
      }
      await fleet.publish(aReport({ id: 'latest-comer' }), minute)
      const known = await ids()
      expect(known).toHaveLength(maxProcesses)
      expect(known).toContain('latest-comer')
      expect(known).toContain(numbered(maxProcesses - 1))
    })

    it('reads what a process of the first version says, which tells of no disputes', async () => {
      const chain = {
        chain: 'eip155:1',
        live: true,
        operators: 1,
        height: 1,
        heightSinceMs: 1,
        endpoints: [],
      }
      await fleet.publish(aReport({ id: 'process-1', chains: [chain as never] }), minute)
      expect((await reports())[0]!.chains).toEqual([{ ...chain, disputes: [] }])
    })

    it('refuses a report that is too long to be one', async () => {
      await expect(
        fleet.publish(aReport({ id: 'process-1', name: 'x'.repeat(70_000) }), minute),
      ).rejects.toThrow(RangeError)
    })

    it('leaves endpoints out of a report that would be too long, those in trouble last', async () => {
      const endpoint = (id: string, live: boolean) => ({
        id: id.padEnd(60, 'x'),
        operator: 'o'.repeat(60),
        live,
        trouble: live ? 'none' : 'lied',
        sinceMs: 1_790_000_000_000,
        height: 1,
        latencyMs: 1,
        score: 1,
        breaker: live ? 'closed' : 'open',
        requests: 10,
        failures: 0,
      })
      const chains = Array.from({ length: 20 }, (_, index) => ({
        chain: `eip155:${index}`,
        live: true,
        operators: 1,
        height: 1,
        heightSinceMs: 1,
        disputes: [],
        endpoints: Array.from({ length: 32 }, (_, at) => endpoint(`e${at}`, at !== 5)),
      }))
      await fleet.publish(aReport({ id: 'process-1', chains }), minute)
      const [report] = await reports()
      expect(report!.chains).toHaveLength(20)
      for (const { endpoints } of report!.chains) {
        expect(endpoints.map(({ trouble }) => trouble)).toEqual(['lied'])
      }
    })

    it('keeps samples in order, those of one time once, and drops what is older than its span', async () => {
      const { keptMs } = spans.hour
      const end = 1_790_000_000_000
      const at = async (sinceMs: number): Promise<number[]> =>
        (await fleet.samples('hour', sinceMs)).map(({ atMs }) => atMs)
      await fleet.append('hour', aSample({ atMs: end - keptMs - 1 }))
      await fleet.append('hour', aSample({ atMs: end - keptMs + 1 }))
      await fleet.append('hour', aSample({ atMs: end, askers: 1 }))
      const last: Sample = aSample({ atMs: end, askers: 2 })
      await fleet.append('hour', last)
      expect(await at(0)).toEqual([end - keptMs + 1, end])
      expect(await fleet.samples('hour', end)).toEqual([last])
      expect(await fleet.samples('day', 0)).toEqual([])
    })

    it('bounds a sample', async () => {
      const stages = Object.fromEntries(
        Array.from({ length: 2_000 }, (_, index) => [`eip155:${index} exposed`, { '0.1': 1, '+Inf': 2 }]),
      )
      await fleet.append('day', aSample({ atMs: 1_790_000_000_000, stages }))
      const [kept] = await fleet.samples('day', 0)
      expect(JSON.stringify(kept).length).toBeLessThan(maxSampleBytes)
      expect(kept!.stages).toEqual({})
    })

    it('keeps the latest of what was done by hand', async () => {
      const entry = (atMs: number): AuditEntry => ({
        atMs,
        session: 'abcd2345',
        action: 'pause',
        queue: 'submit',
        result: 200,
      })
      for (let number = 1; number <= maxAuditEntries + 20; number++) await fleet.audit(entry(number))
      const all = await fleet.audits(maxAuditEntries * 2)
      expect(all.length).toBeLessThanOrEqual(maxAuditEntries)
      expect(all[0]).toEqual(entry(maxAuditEntries + 20))
      expect((await fleet.audits(2)).map(({ atMs }) => atMs)).toEqual([
        maxAuditEntries + 20,
        maxAuditEntries + 19,
      ])
    })

    it('is shared by all stores on one server, and says so where it is not started', async () => {
      const other = server.openAnother()
      await expect(other.fleet.processes()).rejects.toBeInstanceOf(StoreError)
      await other.start()
      await other.fleet.publish(aReport({ id: 'process-9' }), minute)
      expect(await ids()).toEqual(['process-9'])
      await other.stop()
    })
  })
}
