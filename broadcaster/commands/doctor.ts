import { join } from 'node:path'
import { z } from 'zod'
import { type BroadcasterConfig, ConfigError } from '../config/config.ts'
import { readKeyFile } from '../config/keyFile.ts'
import { doctorKey, makeDoctorToken } from '../dashboard/doctorToken.ts'
import { seconds } from '../fleet/findTroubles.ts'
import type { Terminal } from './Terminal.ts'

export interface DoctorOptions {
  /** Where a broadcaster's pages are. Default: what the configuration says. */
  readonly url?: string | undefined
  readonly json: boolean
  readonly signal: AbortSignal
}

const answerMs = 15_000
const maxAnswerBytes = 16_777_216

const words = z
  .string()
  .max(4096)
  // Whoever answers at that port shall not write to the terminal what he likes.
  .transform((text) => text.replace(/\p{Cc}/gu, ' '))
const troubleSeen = z.object({
  code: words,
  severity: z.enum(['page', 'ticket']),
  subject: words,
  sinceMs: z.number(),
  detail: words,
  title: words,
  meaning: words,
  firstStep: words,
  runbook: words,
})
const statusSeen = z.object({
  ok: z.boolean(),
  troubles: z.array(troubleSeen).max(1000),
  status: z.looseObject({
    atMs: z.number(),
    processes: z
      .array(z.looseObject({ report: z.looseObject({ name: words, role: words, state: words }) }))
      .max(10_000),
    chains: z.array(z.looseObject({ chain: words })).max(1000),
  }),
})

/**
 * Asks a running broadcaster how it and those beside it are, and prints what is wrong: the worst first, each with what to do.
 * True where nothing is.
 * @throws ConfigError where the configuration does not say where to ask
 */
export async function doctor(
  config: BroadcasterConfig,
  { url, json, signal }: DoctorOptions,
  terminal: Terminal,
): Promise<boolean> {
  const answer = await askStatus(await placeOf(config, url), await tokenOf(config), signal)
  if (json) {
    terminal.print(`${JSON.stringify(answer, null, 2)}\n`)
    return answer.ok
  }
  if (!answer.running) {
    terminal.print(`${answer.found}\n`)
    return false
  }
  const { troubles, status } = answer
  const heads = status.processes.map(({ report }) => `${report.name} (${report.role}, ${report.state})`)
  terminal.print(`${heads.join(', ')}; ${status.chains.map(({ chain }) => chain).join(', ')}\n`)
  if (troubles.length === 0) terminal.print('nothing is wrong\n')
  for (const one of troubles) {
    const since = seconds(Math.max(0, status.atMs - one.sinceMs))
    terminal.print(
      [
        '',
        `${one.severity === 'page' ? 'NOW   ' : 'LATER '}${one.title}: ${one.subject}`,
        `      ${one.detail}; for ${since}`,
        `      ${one.meaning}`,
        `      First: ${one.firstStep}`,
        `      More: ${one.runbook}`,
        '',
      ].join('\n'),
    )
  }
  return answer.ok
}

type Answer =
  | { readonly ok: false; readonly running: false; readonly found: string }
  | ({ readonly running: true } & z.output<typeof statusSeen>)

async function askStatus(place: URL, token: string | undefined, signal: AbortSignal): Promise<Answer> {
  const nobody = (found: string): Answer => ({ ok: false, running: false, found })
  let response: Response
  let text: string
  try {
    response = await fetch(new URL('/status.json', place), {
      headers: { accept: 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
    })
    text = await readLimited(response)
  } catch {
    signal.throwIfAborted()
    return nobody(
      `No broadcaster answers on ${place.host}. Start it with run, or name another place with --url.`,
    )
  }
  if (response.status === 401 || response.status === 303) {
    return nobody(
      `The broadcaster on ${place.host} does not know this key file: name the configuration that it runs with.`,
    )
  }
  const parsed = statusSeen.safeParse(jsonIn(text))
  if (response.status !== 200 || !parsed.success) {
    return nobody(`What answers on ${place.host} is no broadcaster, or of another release.`)
  }
  return { running: true, ...parsed.data }
}

async function readLimited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw new RangeError('too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function placeOf({ http }: BroadcasterConfig, url: string | undefined): Promise<URL> {
  if (url !== undefined) {
    if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return new URL(url)
    throw new ConfigError('--url: it has to be an http or https URL')
  }
  if (http.port === 0) {
    throw new ConfigError(
      'http.port is 0, so that only the broadcaster knows its port: name what run printed, with --url.',
    )
  }
  // Who listens everywhere listens here.
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[http.host] ?? http.host
  return new URL(`http://${host.includes(':') ? `[${host}]` : host}:${http.port}`)
}

/** What a dashboard that asks for a login takes from who has the key file. */
async function tokenOf(config: BroadcasterConfig): Promise<string | undefined> {
  const key = await readKeyFile(config.keyFile ?? join(config.dataDir, 'veilcast.key'))
  return key ? makeDoctorToken(doctorKey(key)) : undefined
}
