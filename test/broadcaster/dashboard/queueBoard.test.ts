import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { createWalletClient, http } from 'viem'
import type { Dashboard } from '../../../broadcaster/dist/dashboard/openDashboard.js'
import { createMetrics } from '../../../broadcaster/dist/observability/metrics.js'
import type { Store } from '../../../broadcaster/dist/store/index.js'
import { startDashboard } from '../../support/dashboard.ts'
import { describeWithRedis, startEmbedded, startRedis, withStore } from '../../support/store.ts'
import { until } from '../../support/until.ts'

const endpointKey = 'key-5f2c81d09a'
const rawTx = `0x02f8${'ab'.repeat(60)}` as const

describe('the queue board over embedded Postgres', () => boardSuite(withStore(startEmbedded)))
describeWithRedis('the queue board over Redis', () => boardSuite(withStore(startRedis)))

function boardSuite(store: () => Store): void {
  let endpoint: Server
  let endpointUrl: string
  let dashboard: Dashboard
  let printed: jest.SpiedFunction<typeof console.error>

  beforeEach(async () => {
    endpoint = createServer((_request, response) => response.writeHead(500).end(`${endpointUrl} ${rawTx}`))
    await new Promise<void>((resolve) => {
      endpoint.listen(0, '127.0.0.1', resolve)
    })
    endpointUrl = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/${endpointKey}`
    dashboard = await startDashboard(store(), [store().queues.queue('board')], {
      metrics: failingMetrics(endpointUrl),
      readiness: () => Promise.reject(new Error(endpointUrl)),
    })
    printed = jest.spyOn(console, 'error').mockImplementation(() => undefined)
  })
  afterEach(async () => {
    printed.mockRestore()
    await dashboard.close()
    endpoint.closeAllConnections()
    await new Promise((resolve) => {
      endpoint.close(resolve)
    })
  })

  const page = async (path: string): Promise<string> => (await fetch(`${dashboard.url}${path}`)).text()

  it('behavior: a job that fails against a live endpoint shows neither its URL nor what was sent to it', async () => {
    const client = createWalletClient({ transport: http(endpointUrl, { retryCount: 0 }) })
    const thrown: unknown[] = []
    const worker = store().queues.worker(
      'board',
      async () => {
        try {
          await client.sendRawTransaction({ serializedTransaction: rawTx })
        } catch (error) {
          thrown.push(error)
          throw error
        }
      },
      { concurrency: 1 },
    )
    void worker.run()
    const queue = store().queues.queue('board')
    await queue.add('submit', { signedTx: rawTx }, { jobId: 'failing', removeOnFail: false })
    await until(async () => (await queue.getFailedCount()) === 1)
    await worker.close()
    // What must not be shown was there to be shown.
    expect(String(thrown[0])).toContain(endpointKey)

    const shown = await Promise.all(
      [
        '/queues',
        '/queues/api/queues?activeQueue=board&status=failed&page=1&jobsPerPage=10',
        '/queues/api/queues/board/failing',
        '/queues/api/queues/board/failing/logs',
        '/queues/queue/board/failing',
      ].map(page),
    )
    expect(shown.join()).toContain('The job ended with an error of class ')
    expect(shown.join()).not.toMatch(/key-5f2c|02f8abab/)
    const [job] = await queue.getFailed()
    expect(JSON.stringify([job?.failedReason, job?.stacktrace, job?.returnvalue])).not.toMatch(
      /key-5f2c|02f8abab/,
    )
  })

  it('behavior: what a processor returns is not kept', async () => {
    const worker = store().queues.worker('board', async () => rawTx, { concurrency: 1 })
    void worker.run()
    const queue = store().queues.queue('board')
    await queue.add('submit', {}, { jobId: 'returning', removeOnComplete: false })
    await until(async () => (await queue.getCompletedCount()) === 1)
    await worker.close()
    expect(JSON.stringify(await queue.getCompleted())).not.toContain('02f8abab')
  })

  it('behavior: nothing can be changed from the board', async () => {
    const queue = store().queues.queue('board')
    await queue.add('submit', {}, { jobId: 'kept', delay: 60_000 })
    for (const [method, path] of [
      ['PUT', '/queues/api/queues/board/empty'],
      ['PUT', '/queues/api/queues/board/obliterate'],
      ['PUT', '/queues/api/queues/board/clean/delayed'],
      ['PUT', '/queues/api/queues/board/kept/clean'],
      ['PUT', '/queues/api/queues/board/pause'],
      ['POST', '/queues/api/queues/board/add'],
      ['PATCH', '/queues/api/queues/board/kept/update-data'],
    ]) {
      const response = await fetch(`${dashboard.url}${path}`, {
        method: method!,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'x', data: { planted: 1 }, jobData: { planted: 1 } }),
      })
      expect([path, response.ok]).toEqual([path, false])
    }
    expect(await queue.isPaused()).toBe(false)
    expect(await queue.getDelayedCount()).toBe(1)
    expect((await queue.getJob('kept'))?.data).toEqual({})
  })

  it('behavior: a page that fails says that it did, and prints nothing', async () => {
    const queue = store().queues.queue('board')
    const failing = jest.spyOn(queue, 'getJobCounts').mockRejectedValue(new Error(endpointUrl) as never)
    const alsoFailing = jest.spyOn(queue, 'getJob').mockRejectedValue(new Error(endpointUrl) as never)
    const pages = [
      '/readyz',
      '/metrics',
      '/queues/api/queues',
      '/queues/api/queues/board/any',
      '/queues/%E0%A4%A',
    ]
    for (const path of pages) {
      const response = await fetch(`${dashboard.url}${path}`)
      expect([path, response.ok]).toEqual([path, false])
      expect(await response.text()).not.toMatch(/key-5f2c|node_modules|\.js:/)
    }
    failing.mockRestore()
    alsoFailing.mockRestore()
    expect(printed.mock.calls).toEqual([])
  })
}

function failingMetrics(text: string) {
  const metrics = createMetrics()
  metrics.onText(() => Promise.reject(new Error(text)))
  return metrics
}
