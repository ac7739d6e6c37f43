import { randomBytes, scryptSync } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import type { Queue } from 'bullmq'
import {
  type Dashboard,
  type DashboardParts,
  openDashboard,
} from '../../broadcaster/dist/dashboard/openDashboard.js'
import { createFleetStatus } from '../../broadcaster/dist/fleet/createFleetStatus.js'
import { createLogger } from '../../broadcaster/dist/observability/logger.js'
import { createMetrics } from '../../broadcaster/dist/observability/metrics.js'
import type { Store } from '../../broadcaster/dist/store/index.js'
import { aReport } from './fleet.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface Asked {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface TestDashboard extends Dashboard {
  readonly port: number
  /** Sends the path as it is written. */
  ask(asked: Asked): Promise<Answer>
  /** The answer's head and what follows it, as they come. */
  open(asked: Asked): Promise<IncomingMessage>
  /** Sends these bytes, and gives all that comes back until the other side is done. */
  raw(text: string): Promise<string>
}

/** The dashboard as it is, over a store that is started. */
export async function startDashboard(
  store: Store,
  queues: readonly Queue[],
  more: Partial<DashboardParts> = {},
): Promise<TestDashboard> {
  const dashboard = await openDashboard({
    host: '127.0.0.1',
    port: 0,
    metrics: createMetrics(),
    queues,
    readiness: async () => ({
      ready: true,
      draining: false,
      store: true,
      workers: true,
      mixnet: true,
      mixnets: {},
      chains: {},
    }),
    status: createFleetStatus({
      store,
      chains: [],
      queues,
      limits: { maxWaitingPerChain: 100, maxUnsentPerChain: 100 },
      ownReport: async () => aReport({ atMs: Date.now(), mixnets: [] }),
    }),
    fleet: store.fleet,
    logger: createLogger('silent'),
    ...more,
  })
  const port = Number(new URL(dashboard.url).port)

  async function open({ method = 'GET', path, headers = {}, body }: Asked): Promise<IncomingMessage> {
    const sent = request({ host: '127.0.0.1', port, method, path, headers: { ...headers }, agent: false })
    sent.end(body)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return response
  }

  return {
    ...dashboard,
    port,
    open,
    async ask(asked) {
      const response = await open(asked)
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        text: Buffer.concat(chunks).toString('utf8'),
      }
    },
    async raw(text) {
      const socket = connect(port, '127.0.0.1')
      const chunks: Buffer[] = []
      socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {})
      socket.end(text)
      await once(socket, 'close')
      return Buffer.concat(chunks).toString('latin1')
    },
  }
}

/** As a proxy with TLS on this machine passes on what a browser elsewhere asks. */
export const throughProxy = {
  host: 'veilcast.example',
  'x-forwarded-proto': 'https',
  'x-forwarded-for': '203.0.113.7',
} as const

export const form = { 'content-type': 'application/x-www-form-urlencoded' } as const

/** A hash that costs a sixth of what `hash-password` makes: the least that is taken. */
export function cheapHash(password: string): string {
  const salt = randomBytes(16)
  const key = scryptSync(password, salt, 32, { N: 2 ** 14, r: 8, p: 1, maxmem: 2 ** 26 })
  return `scrypt$14$8$1$${salt.toString('base64url')}$${key.toString('base64url')}`
}
