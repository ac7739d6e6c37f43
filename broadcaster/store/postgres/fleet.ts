import type { Pool, QueryResultRow } from 'pg'
import { type AuditEntry, type Fleet, maxAuditEntries, type SeenProcess } from '../../fleet/Fleet.ts'
import { inOrder } from '../../fleet/inOrder.ts'
import { decodeReport, encodeReport, maxProcesses } from '../../fleet/ProcessReport.ts'
import { decodeSample, encodeSample, type Sample, spans } from '../../fleet/Sample.ts'
import { failure } from './failure.ts'

const statements = {
  publish: `
    with old as (
      delete from veilcast.process where id <> $1 and (expires_at <= clock_timestamp() or id in (
        select id from veilcast.process where id <> $1 order by heard_at desc offset $4))
    )
    insert into veilcast.process values ($1, $2, clock_timestamp(), clock_timestamp() + $3 * interval '1 millisecond')
    on conflict (id) do update set
      report = excluded.report, heard_at = excluded.heard_at, expires_at = excluded.expires_at`,
  processes: `
    select report, extract(epoch from heard_at) * 1000 as heard, extract(epoch from clock_timestamp() - heard_at) * 1000 as ago
    from veilcast.process where expires_at > clock_timestamp()`,
  remove: 'delete from veilcast.process where id = $1',
  append: `
    with old as (delete from veilcast.sample where span = $1 and at_ms < $4)
    insert into veilcast.sample values ($1, $2, $3) on conflict (span, at_ms) do update set body = excluded.body`,
  samples: 'select body from veilcast.sample where span = $1 and at_ms >= $2 order by at_ms',
  audit: `
    with old as (
      delete from veilcast.audit where number in (select number from veilcast.audit order by number desc offset $2)
    )
    insert into veilcast.audit (body) values ($1)`,
  audits: 'select body from veilcast.audit order by number desc limit $1',
} as const

const words: Record<keyof typeof statements, string> = {
  publish: 'take a report',
  processes: 'read the reports',
  remove: 'forget a report',
  append: 'take a sample',
  samples: 'read the samples',
  audit: 'write down what was done',
  audits: 'read what was done',
}

/** On a server whose schema is there. */
export function postgresFleet(pool: Pool): Fleet {
  async function run<R extends QueryResultRow>(
    name: keyof typeof statements,
    values: unknown[],
  ): Promise<R[]> {
    try {
      return (await pool.query<R>({ name: `fleet_${name}`, text: statements[name], values })).rows
    } catch (error) {
      throw failure(words[name], error)
    }
  }

  return {
    async publish(report, ttlMs) {
      await run('publish', [report.id, encodeReport(report), ttlMs, maxProcesses - 1])
    },
    async processes() {
      const rows = await run<{ report: string; heard: string; ago: string }>('processes', [])
      return inOrder(
        rows.flatMap(({ report: text, heard, ago }): SeenProcess[] => {
          const report = decodeReport(text)
          if (!report) return []
          return [{ report, heardMsAgo: Math.max(0, Number(ago)), clockAheadMs: report.atMs - Number(heard) }]
        }),
      )
    },
    async remove(id) {
      await run('remove', [id])
    },
    async append(span, sample) {
      await run('append', [span, sample.atMs, encodeSample(sample), sample.atMs - spans[span].keptMs])
    },
    async samples(span, sinceMs) {
      const rows = await run<{ body: string }>('samples', [span, Math.floor(sinceMs)])
      return rows.map(({ body }) => decodeSample(body)).filter((one): one is Sample => one !== undefined)
    },
    async audit(entry) {
      await run('audit', [JSON.stringify(entry), maxAuditEntries - 1])
    },
    async audits(limit) {
      const rows = await run<{ body: string }>('audits', [limit])
      return rows.map(({ body }) => JSON.parse(body) as AuditEntry)
    },
  }
}
