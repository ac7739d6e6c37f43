import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { troubles } from '@veilcast/broadcaster'
import { createClient, type VeilcastClient } from '@veilcast/client'
import { createNymWasmDialer } from '@veilcast/client/nym-wasm'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { parse, stringify } from 'yaml'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { findSecrets, hexNeedle, type Needle, piecesOf, textNeedle } from '../../support/findSecrets.ts'
import { anvilSetup, makeFolder } from '../../support/path.ts'
import {
  type BroadcasterProcess,
  endAll,
  root,
  run,
  runBroadcaster,
  writeConfig,
} from '../../support/processes.ts'
import { describeWithPrometheus, prometheus, promtool } from '../../support/prometheus.ts'
import { freePort } from '../../support/store.ts'
import { until } from '../../support/until.ts'

/** A broadcaster that serves wallets, and a Prometheus that reads it by the configuration and the rules that we ship. */

const limitMs = 180_000
const settings = join(root, 'infra/prometheus')

interface Panel {
  readonly title: string
  readonly type: string
  readonly targets?: readonly { readonly expr: string }[]
}

let localnet: Localnet
let anvil: Anvil
let folder: Awaited<ReturnType<typeof makeFolder>>
let broadcaster: BroadcasterProcess
let client: VeilcastClient
let collector: Awaited<ReturnType<typeof startCollector>>
let api: string
/** Of every payment. */
const secrets: Needle[] = []
let payments = 0

describeWithPrometheus('telemetry of a running broadcaster', () => {
  beforeAll(async () => {
    localnet = await startLocalnet()
    anvil = await startAnvil()
    folder = await makeFolder()
    const endpoints = [
      { id: 'mine', operator: 'mine', url: anvil.rpcUrl },
      { id: 'second', operator: 'mine', url: anvil.rpcUrl },
      { id: 'away', operator: 'nobody', url: 'http://127.0.0.1:9' },
    ]
    collector = await startCollector()
    const config = await writeConfig(folder.path, localnet, [anvilSetup(anvil, undefined, { endpoints })], {
      telemetry: { otlpUrl: collector.url, otlpHeaders: { authorization: 'Bearer collectors-token' } },
    })
    broadcaster = await runBroadcaster(config)
    const { nymApiUrl, preferredGateway } = localnet
    client = createClient({
      mixnet: createNymWasmDialer({ nymApiUrl, preferredGateway, coverTraffic: 'light' }),
      broadcasters: [broadcaster.address],
    })
    await client.start()
    api = await runPrometheus()
  }, limitMs)
  afterAll(async () => {
    await client?.stop()
    broadcaster?.child.kill('SIGTERM')
    await broadcaster?.ended
    await endAll()
    collector?.close()
    await anvil?.stop()
    await localnet?.stop()
    await folder?.remove()
  }, limitMs)

  it('metrics: promtool has nothing against a name, a unit or a help text', async () => {
    const text = await (await fetch(`${broadcaster.dashboard}/metrics`)).text()
    const { status, stdout, stderr } = spawnSync(promtool!, ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    })
    expect(`${status} ${stdout}${stderr}`).toBe('0 ')
    expect(text).toMatch(/^veilcast_info\{version="\d+\.\d+\.\d+",role="all"\} 1$/m)
  })

  it('configuration: promtool has nothing against it, with the secret and the rules in place', async () => {
    const file = join(folder.path, 'shipped.yaml')
    const shipped = parse(await readFile(join(settings, 'prometheus.yaml'), 'utf8'))
    const secret = join(folder.path, 'metrics_token')
    await writeFile(secret, 'x'.repeat(32))
    shipped.scrape_configs[0].authorization.credentials_file = secret
    shipped.rule_files = [join(settings, 'alerts.yaml')]
    await writeFile(file, stringify(shipped))
    const { status, stderr } = spawnSync(promtool!, ['check', 'config', file], { encoding: 'utf8' })
    expect(`${status} ${stderr}`).toBe('0 ')
  })

  it('alert rules: every metric that one of them asks for is there, but for what only trouble brings', async () => {
    const text = await (await fetch(`${broadcaster.dashboard}/metrics`)).text()
    const asked = Object.values(troubles).flatMap(({ promql }) => promql.match(/veilcast_\w+/g) ?? [])
    expect(asked.length).toBeGreaterThan(20)
    for (const name of asked)
      expect(text).toMatch(new RegExp(`^# TYPE ${name.replace(/_(bucket|count)$/, '')} `, 'm'))
  })

  it(
    'alert rules: the running Prometheus evaluates each, and finds what is wrong and no more',
    async () => {
      const pending = async (): Promise<string[]> => {
        const { data } = (await ask('/api/v1/alerts')) as {
          data: { alerts: { labels: { alertname: string } }[] }
        }
        return data.alerts.map(({ labels }) => labels.alertname).sort()
      }
      // Before the first look at the broadcaster, nobody seems to be there.
      const expected = ['VeilcastEndpointSetAside', 'VeilcastOneOperatorLeft']
      let names: string[] = []
      await until(async () => {
        names = await pending()
        return names.join() === expected.join()
      }).catch(() => {})
      expect(names).toEqual(expected)
      let health: string[] = []
      await until(async () => {
        const { data } = (await ask('/api/v1/rules')) as {
          data: { groups: [{ rules: { health: string }[] }] }
        }
        health = data.groups[0].rules.map((rule) => rule.health)
        return !health.includes('unknown')
      })
      expect(health).toEqual(Object.keys(troubles).map(() => 'ok'))
    },
    limitMs,
  )

  it(
    'traces: a span for each request and stage, and no word of whose it was',
    async () => {
      await useIt(payments++)
      const wanted = ['request', 'hand over', 'until exposed', 'until included']
      const names = (): Set<string> => new Set(collector.spans().map(({ name }) => name))
      await until(() => wanted.every((name) => names().has(name)), 200)

      const ofOne = collector.spans().filter(({ name }) => name !== 'request')
      expect(new Set(ofOne.map(({ traceId }) => traceId)).size).toBe(1)
      const known = { chain: anvil.chainId, endpoint: /^(mine|second)$/, tx: /^[0-9a-f]{8}$/ }
      for (const { key, value } of collector.spans().flatMap(({ attributes }) => attributes)) {
        expect(['chain', 'stage', 'endpoint', 'result', 'kind', 'tx']).toContain(key)
        if (key in known) expect(value.stringValue).toMatch(known[key as keyof typeof known])
      }
      expect([...collector.tokens]).toEqual(['Bearer collectors-token'])

      const needles = [
        ...secrets,
        ...anvil.accounts.map(({ address }) => hexNeedle('an account', address)),
        textNeedle('an endpoint', anvil.rpcUrl),
        textNeedle('our address', broadcaster.address),
      ]
      const sent = collector.bodies.map((body) => ({
        name: 'what the collector got',
        bytes: Buffer.from(body),
      }))
      expect(findSecrets(needles, sent)).toEqual([])
    },
    limitMs,
  )

  it(
    'Grafana: every panel of the dashboard that we ship has figures',
    async () => {
      const { panels, templating } = JSON.parse(
        await readFile(join(root, 'infra/grafana/veilcast.json'), 'utf8'),
      ) as { panels: Panel[]; templating: { list: { name: string; type: string; definition?: string }[] } }
      const expressions = panels.flatMap(({ title, targets = [] }) =>
        targets.map(({ expr }) => ({ title, expr: filledIn(expr) })),
      )
      expect(expressions.length).toBeGreaterThan(40)
      expect(expressions.filter(({ expr }) => expr.includes('$'))).toEqual([])

      let missing: string[] = []
      await until(async () => {
        await useIt(payments++)
        const found = await Promise.all(expressions.map(({ expr }) => hasFigures(expr)))
        missing = expressions
          .filter((_, index) => !found[index])
          .map(({ title, expr }) => `${title}: ${expr}`)
        return missing.length === 0
      }).catch(() => {})
      expect(missing).toEqual([])

      for (const { definition = '' } of templating.list.filter(({ type }) => type === 'query')) {
        const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? []
        const { data } = (await ask(`/api/v1/label/${label}/values?match[]=${metric}`)) as { data: string[] }
        expect(data.length).toBeGreaterThan(0)
      }
    },
    limitMs,
  )
})

interface ExportedSpan {
  readonly name: string
  readonly traceId: string
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[]
}

/** An OpenTelemetry collector's receiver: keeps what it is sent. */
async function startCollector() {
  const bodies: string[] = []
  const tokens = new Set<string | undefined>()
  const server = createServer(async (request, response) => {
    tokens.add(request.headers.authorization)
    bodies.push(await text(request))
    response.setHeader('content-type', 'application/json')
    response.end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    bodies,
    tokens,
    spans: (): ExportedSpan[] =>
      bodies.flatMap((body) =>
        (
          JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: ExportedSpan[] }[] }[] }
        ).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      ),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** What a wallet does: pays, waits, reads, and asks for something that is not there. */
async function useIt(nonce: number): Promise<void> {
  const chain = anvil.chainId
  const signedTx = await signEthTransfer(anvil, {
    from: anvil.accounts[0]!,
    to: anvil.accounts[1]!.address,
    valueWei: 1n,
    nonce,
  })
  const receipt = await client.submit({ chain, signedTx, until: 'included' })
  secrets.push(
    ...piecesOf(hexNeedle('transaction', signedTx)),
    hexNeedle('its hash', receipt.txId),
    hexNeedle('its request', receipt.requestId),
  )
  await client.read({
    chain,
    method: 'eth_getBalance',
    params: [anvil.accounts[nonce % 10]!.address, 'latest'],
  })
  await client.status({ submitId: '5a'.repeat(16) }, { timeoutMs: 20_000 }).catch(() => {})
}

/** As Grafana fills in the variables of a dashboard with all selected. */
function filledIn(expr: string): string {
  return expr.replaceAll('$__rate_interval', '30s').replaceAll(/\$(instance|chain)\b/g, '.*')
}

async function hasFigures(expr: string): Promise<boolean> {
  const answer = (await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as {
    status: string
    data: { result: { value: [number, string] }[] }
  }
  expect(`${expr}: ${answer.status}`).toBe(`${expr}: success`)
  return answer.data.result.some(({ value }) => value[1] !== 'NaN')
}

async function ask(path: string): Promise<unknown> {
  return (await fetch(`${api}${path}`, { signal: AbortSignal.timeout(10_000) })).json()
}

/** Our configuration, but for where the broadcaster is, how often it is asked, and the token that it does not want on this machine. */
async function runPrometheus(): Promise<string> {
  const shipped = parse(await readFile(join(settings, 'prometheus.yaml'), 'utf8'))
  const [job] = shipped.scrape_configs
  delete job.authorization
  job.static_configs = [{ targets: [new URL(broadcaster.dashboard).host] }]
  shipped.scrape_configs = [job]
  shipped.rule_files = [join(settings, 'alerts.yaml')]
  shipped.global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' }
  const file = join(folder.path, 'prometheus.yaml')
  await writeFile(file, stringify(shipped))
  const storage = join(folder.path, 'prometheus')
  await mkdir(storage)
  const address = `127.0.0.1:${await freePort()}`
  const running = run(prometheus!, [
    `--config.file=${file}`,
    `--storage.tsdb.path=${storage}`,
    `--web.listen-address=${address}`,
  ])
  await running.said(/ready to receive web requests/)
  return `http://${address}`
}
