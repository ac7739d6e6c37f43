import { type AuditEntry, type Fleet, maxAuditEntries, type SeenProcess } from '../../fleet/Fleet.ts'
import { inOrder } from '../../fleet/inOrder.ts'
import { decodeReport, encodeReport, maxProcesses } from '../../fleet/ProcessReport.ts'
import { decodeSample, encodeSample, type Sample, spans } from '../../fleet/Sample.ts'
import type { RedisClient } from './connectClient.ts'
import { failure } from './failure.ts'
import { prefix, runScript } from './scripts.ts'

const keys = {
  samples: (span: string) => `${prefix}:samples:${span}`,
  audit: `${prefix}:audit`,
}

/** On a server that is up and checked. */
export function redisFleet(client: RedisClient): Fleet {
  async function attempt<T>(action: string, command: () => Promise<T>): Promise<T> {
    try {
      return await command()
    } catch (error) {
      throw failure(action, error)
    }
  }

  return {
    async publish(report, ttlMs) {
      const text = encodeReport(report)
      await attempt('take a report', () =>
        runScript(client, 'publish', [report.id, text, Math.ceil(ttlMs), maxProcesses]),
      )
    },
    async processes() {
      const reply = await attempt('read the reports', () => runScript(client, 'processes', []))
      const seen = (Array.isArray(reply) ? reply : []).flatMap((row): SeenProcess[] => {
        const [text, heard, ago] = Array.isArray(row) ? row.map(String) : []
        const report = decodeReport(text ?? '')
        if (!report) return []
        return [{ report, heardMsAgo: Math.max(0, Number(ago)), clockAheadMs: report.atMs - Number(heard) }]
      })
      return inOrder(seen)
    },
    async remove(id) {
      await attempt('forget a report', () => runScript(client, 'forgetProcess', [id]))
    },
    async append(span, sample) {
      const key = keys.samples(span)
      await attempt('take a sample', async () => {
        const replies = await client
          .multi()
          .zremrangebyscore(key, sample.atMs, sample.atMs)
          .zremrangebyscore(key, '-inf', sample.atMs - spans[span].keptMs - 1)
          .zadd(key, sample.atMs, encodeSample(sample))
          .exec()
        const failed = replies?.find(([error]) => error)
        if (failed) throw failed[0]
      })
    },
    async samples(span, sinceMs) {
      const found = await attempt('read the samples', () =>
        client.zrangebyscore(keys.samples(span), Math.floor(sinceMs), '+inf'),
      )
      return found.map(decodeSample).filter((one): one is Sample => one !== undefined)
    },
    async audit(entry) {
      await attempt('write down what was done', async () => {
        await client.lpush(keys.audit, JSON.stringify(entry))
        await client.ltrim(keys.audit, 0, maxAuditEntries - 1)
      })
    },
    async audits(limit) {
      const found = await attempt('read what was done', () => client.lrange(keys.audit, 0, limit - 1))
      return found.map((text) => JSON.parse(text) as AuditEntry)
    },
  }
}
