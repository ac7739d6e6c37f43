import { setTimeout as pause } from 'node:timers/promises'
import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import { createClient, type VeilcastClient } from '../createClient.ts'
import { createFileJournal } from '../journal/file.ts'
import { countTraffic } from '../rpc/countTraffic.ts'
import type { MaxFees } from '../rpc/nodes.ts'
import { type RpcEndpoint, serveRpc } from '../rpc/serveRpc.ts'
import { openMixnet } from './openMixnet.ts'
import { endpointTable, errorJson, errorText, toJson } from './print.ts'
import { readToken } from './readToken.ts'
import { type CommonOptions, exitCodes, secondSignalAfterMs, signals } from './runCommand.ts'

export interface RpcCommandOptions extends CommonOptions {
  readonly port: number
  readonly ipv6?: boolean
  readonly allowOrigin?: readonly string[]
  readonly allowExtensions?: boolean
  readonly tokenFile?: string
  readonly journal?: string
  readonly maxFee?: MaxFees
}

const firstPauseMs = 1_000
const maxPauseMs = 30_000

/**
 * Listens, connects, and goes on until a signal: while the mixnet or the broadcaster is away it tells so to who asks, and tries
 * again. A second signal ends the process at once.
 */
export async function runRpc(options: RpcCommandOptions): Promise<void> {
  const startedAtMs = performance.now()
  const tell = (line: string) => {
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(2).padStart(7)
    process.stderr.write(`${seconds} s  ${line}\n`)
  }
  const ending = new AbortController()
  for (const [name, code] of Object.entries(signals)) {
    let firstAtMs: number | undefined
    process.on(name, () => {
      if (ending.signal.aborted && performance.now() - (firstAtMs ?? 0) > secondSignalAfterMs)
        process.exit(code)
      firstAtMs ??= performance.now()
      ending.abort()
    })
  }
  let client: VeilcastClient | undefined
  let endpoint: RpcEndpoint | undefined
  try {
    if (!options.broadcaster)
      throw new VeilcastError('invalidArgument', { details: 'Name one with --broadcaster.' })
    const token = options.tokenFile === undefined ? undefined : await readToken(options.tokenFile)
    const { mixnet, traffic } = countTraffic(await openMixnet(options))
    client = createClient({
      mixnet,
      broadcasters: options.broadcaster,
      ...(options.journal === undefined ? {} : { journal: createFileJournal({ folder: options.journal }) }),
    })
    endpoint = await serveRpc({
      client,
      port: options.port,
      hosts: options.ipv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'],
      allowOrigins: options.allowOrigin,
      allowExtensions: options.allowExtensions,
      token,
      timeoutMs: Math.ceil(options.timeout * 1000),
      maxFees: options.maxFee,
      transport: options.transport,
      traffic,
    })
    const url = `http://127.0.0.1:${endpoint.port}${token === undefined ? '' : '/t/<token>'}`
    tell(`listening at ${url}/`)
    tell(`connecting by ${options.transport}`)
    await connect(client, endpoint, { url, options, signal: ending.signal, tell })
    await ended(ending.signal)
    tell('stopping')
  } catch (error) {
    if (!ending.signal.aborted) {
      const known =
        findVeilcastError(error) ??
        new VeilcastError('internal', { details: 'This is a bug of veilcast.', cause: error })
      process.exitCode = exitCodes.invalid
      if (options.json) process.stdout.write(`${errorJson(known, undefined, undefined)}\n`)
      process.stderr.write(`${errorText(known, undefined)}\n`)
    }
  } finally {
    await endpoint?.stop()
    await client?.stop()
    for (const name of Object.keys(signals)) process.removeAllListeners(name)
  }
}

async function connect(
  client: VeilcastClient,
  endpoint: RpcEndpoint,
  {
    url,
    options,
    signal,
    tell,
  }: {
    readonly url: string
    readonly options: RpcCommandOptions
    readonly signal: AbortSignal
    readonly tell: (line: string) => void
  },
): Promise<void> {
  await patiently('the mixnet cannot be reached', () => client.start({ signal }))
  tell('connected')
  const served = await patiently('the broadcaster does not answer', () => endpoint.urls())
  tell(`served: ${served.map(({ chain }) => chain).join(', ') || 'no chain'}`)
  const rows = served.map(({ chain, family }) => ({ chain, family, url: `${url}/${chain}` }))
  process.stdout.write(`${options.json ? toJson({ url, chains: rows }) : endpointTable(url, rows)}\n`)
  if (!options.json && !options.allowExtensions && !options.allowOrigin)
    tell("a browser's wallet needs --allow-extensions, a page --allow-origin")
  if (options.journal === undefined) return
  const unfinished = await client.resume().catch((error: unknown) => {
    tell(`the journal cannot be read: ${findVeilcastError(error)?.details ?? 'it failed'}`)
    return []
  })
  for (const { chain, receipt } of unfinished) {
    tell(`${chain}: a transaction of an earlier run is followed again`)
    receipt.then(
      ({ stage }) => tell(`${chain}: it is ${stage}`),
      (error: unknown) => tell(`${chain}: it ended, ${findVeilcastError(error)?.errorName ?? 'failed'}`),
    )
  }

  async function patiently<T>(problem: string, act: () => Promise<T>): Promise<T> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(maxPauseMs, 2 * pauseMs)) {
      try {
        return await act()
      } catch (error) {
        const known = findVeilcastError(error)
        if (signal.aborted || known?.errorName === 'invalidArgument') throw error
        tell(`${problem} (${known?.details ?? known?.shortMessage ?? 'unknown'}): trying again`)
        await pause(pauseMs, undefined, { signal })
      }
    }
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
