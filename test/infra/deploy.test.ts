import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openStore, parseConfig } from '@veilcast/broadcaster'
import { parse, parseAllDocuments } from 'yaml'
import { hashPassword } from '../../broadcaster/dist/dashboard/auth/passwordHash.js'
import { root } from '../support/processes.ts'
import { describeWithRedis, findOnPath, freePort, redisServer } from '../support/store.ts'
import { until } from '../support/until.ts'

/** What infra/ ships for machines that are not here: held to what can be known of it without them. */

const execute = promisify(execFile)
const infra = join(root, 'infra')
const read = (path: string): Promise<string> => readFile(join(infra, path), 'utf8')
/** A release, never `latest` or a major version alone. */
const pinned = /:v?\d+\.\d+(\.\d+)?(-[\w.-]+)?$/

let folder: string
let passwordHash: string
beforeAll(async () => {
  passwordHash = await hashPassword('correct horse battery')
  folder = await mkdtemp(join(tmpdir(), 'veilcast-deploy-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe.each(['Dockerfile', 'nymClient/Dockerfile'])('infra/%s', (path) => {
  let lines: readonly string[]
  beforeAll(async () => {
    const text = (await read(path)).replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, ' ')
    lines = text.split('\n').filter(Boolean)
  })
  const of = (instruction: string): string[] =>
    lines
      .filter((line) => line.startsWith(`${instruction} `))
      .map((line) => line.slice(instruction.length + 1))

  it('default: from pinned images, as nobody in particular, and says how it is', () => {
    const stages = of('FROM').map((from) => / AS (\w+)$/.exec(from)?.[1])
    for (const from of of('FROM')) {
      const [image = ''] = from.split(' ')
      if (!stages.includes(image)) expect(image).toMatch(pinned)
    }
    const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))
    expect(last.filter((line) => /^(USER|HEALTHCHECK|ENTRYPOINT|VOLUME) /.test(line))).toHaveLength(4)
    expect(of('USER')).toEqual(['1000:1000'])
  })

  it('behavior: copies what is there, and what .dockerignore lets through', async () => {
    const ignored = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n')
    const allowed = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
    for (const copied of of('COPY').filter((copy) => !copy.startsWith('--from'))) {
      for (const source of copied.split(' ').slice(0, -1)) {
        expect(`${source} ${existsSync(join(root, source))}`).toBe(`${source} true`)
        expect(allowed.some((one) => source === one || source.startsWith(`${one}/`))).toBe(true)
      }
    }
  })
})

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<
    Record<string, { readonly ipam?: { readonly config: readonly [{ readonly subnet: string }] } }>
  >
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}
interface Service {
  readonly image: string
  readonly build?: { readonly dockerfile: string }
  readonly user: string
  readonly read_only: boolean
  readonly cap_drop: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes: readonly string[]
  readonly networks: readonly string[]
  readonly secrets?: readonly string[]
  readonly healthcheck?: object
}

describe('infra/compose.yaml', () => {
  let compose: Compose
  beforeAll(async () => {
    compose = parse(await read('compose.yaml'), { merge: true }) as Compose
  })

  it('default: pinned, without rights, read-only, with a healthcheck, and on 127.0.0.1 alone', () => {
    expect(Object.keys(compose.services)).toEqual([
      'broadcaster',
      'pages',
      'nym-client',
      'redis',
      'prometheus',
      'grafana',
    ])
    for (const [name, service] of Object.entries(compose.services)) {
      expect([name, service.read_only, service.cap_drop]).toEqual([name, true, ['ALL']])
      expect(service.image).toMatch(pinned)
      expect(service.user).toMatch(/^[1-9]\d*:\d+$/)
      expect([name, service.healthcheck !== undefined || service.build !== undefined]).toEqual([name, true])
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
      for (const secret of service.secrets ?? []) expect(Object.keys(compose.secrets)).toContain(secret)
      for (const network of service.networks) expect(Object.keys(compose.networks)).toContain(network)
    }
  })

  it('behavior: what it mounts is there, and its secrets are made, but for the password', async () => {
    for (const { volumes } of Object.values(compose.services)) {
      for (const [, path] of volumes.map((volume) => /^\.\/([^:]+):/.exec(volume) ?? [])) {
        if (path) expect(`${path} ${existsSync(join(infra, path))}`).toBe(`${path} true`)
      }
    }
    const copy = join(folder, 'compose')
    await cp(join(infra, 'compose/makeSecrets.sh'), join(copy, 'makeSecrets.sh'))
    const make = () =>
      execute(join(copy, 'makeSecrets.sh')).then(
        () => 0,
        (error) => error.code,
      )
    expect(await make()).toBe(1)
    const secrets = join(copy, 'secrets')
    const made = await Promise.all(
      (await readdir(secrets)).map((name) => readFile(join(secrets, name), 'utf8')),
    )
    await writeFile(join(secrets, 'password_hash'), 'x')
    expect(await make()).toBe(0)
    const names = (await readdir(secrets)).sort()
    expect(names).toEqual(Object.keys(compose.secrets).sort())
    for (const name of names.filter((one) => one !== 'password_hash')) {
      expect(made).toContain(await readFile(join(secrets, name), 'utf8'))
    }
    expect((await stat(secrets)).mode & 0o777).toBe(0o700)
    const [auth = '', url = ''] = await Promise.all(
      ['redis_auth', 'redis_url'].map((name) => readFile(join(secrets, name), 'utf8')),
    )
    expect(url).toBe(`redis://:${auth.trim().split(' ')[1]}@redis:6379\n`)
    expect(await readFile(join(root, '.gitignore'), 'utf8')).toContain('infra/compose/secrets/')
  })

  it('behavior: the configuration in it is one', async () => {
    const config = withSecrets(parse(await read('compose/veilcast.yaml')))
    const { store, http } = parseConfig(config, 'compose/veilcast.yaml')
    expect(store).toMatchObject({ kind: 'redis' })
    expect(http.trustProxy).toEqual(compose.networks.pages!.ipam!.config.map(({ subnet }) => subnet))
  })
})

describeWithRedis('infra/compose/redis.conf', () => {
  it('is what Redis takes, asks for the password, and keeps what it has taken', async () => {
    const port = await freePort()
    const auth = join(folder, 'redis_auth')
    await writeFile(auth, 'requirepass s3cret-of-the-test\n')
    const file = join(folder, 'redis.conf')
    const text = (await read('compose/redis.conf'))
      .replace('/run/secrets/redis_auth', auth)
      .replace('dir /data', `dir ${folder}`)
    await writeFile(file, text)
    const server = spawn(redisServer!, [file, '--port', String(port), '--bind', '127.0.0.1'], {
      stdio: 'ignore',
    })
    const ended = new Promise((resolve) => server.once('exit', resolve))
    const store = openStore({ kind: 'redis', url: `redis://:s3cret-of-the-test@127.0.0.1:${port}` })
    try {
      await until(() => isOpen(port))
      await store.start()
      expect(store.records.durability).toBe('fsync')
    } finally {
      await store.stop()
      server.kill('SIGTERM')
      await ended
    }
  })
})

const systemdAnalyze = findOnPath('systemd-analyze')
const describeWithSystemd = systemdAnalyze
  ? describe
  : (name: string, suite: () => void) =>
      describe.skip(`${name} (no systemd-analyze on the PATH: apt install systemd)`, suite)

describeWithSystemd('infra/systemd', () => {
  const units = ['veilcast-broadcaster.service', 'veilcast-broadcaster@.service', 'nym-client.service']

  it.each(units)('%s: systemd takes every line, and finds little exposed', async (unit) => {
    const { stderr } = await execute(systemdAnalyze!, ['verify', join(infra, 'systemd', unit)])
    expect(stderr).toBe('')
    const { stdout } = await execute(systemdAnalyze!, [
      'security',
      '--offline=yes',
      '--no-pager',
      join(infra, 'systemd', unit),
    ])
    const [, exposure] = /Overall exposure level for .*: ([\d.]+)/.exec(stdout) ?? []
    expect(Number(exposure)).toBeLessThan(2)
  })
})

interface Resource {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: Spec
}
interface Spec {
  readonly selector?: Labels & { readonly matchLabels?: Labels }
  readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec }
}
type Labels = Readonly<Record<string, string>>
interface PodSpec {
  readonly securityContext: object
  readonly initContainers: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[]
}
interface Container {
  readonly securityContext: object
  readonly volumeMounts: readonly { readonly name: string }[]
}

describe('infra/kubernetes/veilcast.yaml', () => {
  let resources: readonly Resource[]
  beforeAll(async () => {
    resources = parseAllDocuments(await read('kubernetes/veilcast.yaml')).map((document) => {
      expect(document.errors).toEqual([])
      return document.toJS() as Resource
    })
  })
  const ofKind = (...kinds: string[]): Resource[] => resources.filter(({ kind }) => kinds.includes(kind))

  it('default: ingresses and workers, each disrupted one at a time', () => {
    const pods = ofKind('StatefulSet', 'Deployment')
    expect(pods.map(({ metadata }) => metadata.name)).toEqual(['veilcast-ingress', 'veilcast-worker'])
    for (const { spec } of pods) {
      const { labels } = spec!.template!.metadata
      expect(labels).toEqual(spec!.selector!.matchLabels)
      const chosen = (kind: string) =>
        ofKind(kind).filter((one) => {
          const selector = one.spec!.selector!.matchLabels ?? (one.spec!.selector as Labels)
          return Object.entries(selector).every(([name, value]) => labels[name] === value)
        })
      expect(chosen('PodDisruptionBudget')).toHaveLength(1)
      expect(chosen('Service')).toHaveLength(1)
    }
  })

  it('behavior: no pod is root, writes to its image or holds a right, and each finds what it mounts', () => {
    for (const { spec } of ofKind('StatefulSet', 'Deployment')) {
      const pod = spec!.template!.spec
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 })
      for (const { securityContext, volumeMounts } of [...pod.initContainers, ...pod.containers]) {
        expect(securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        // The StatefulSet's own volumes are its claims.
        const names = [...pod.volumes.map(({ name }) => name), 'state']
        for (const { name } of volumeMounts) expect(names).toContain(name)
      }
    }
  })

  it('behavior: the configurations in it are some', () => {
    const roles = ofKind('ConfigMap').map(({ data, metadata }) => {
      return parseConfig(withSecrets(parse(data!['veilcast.yaml']!)), metadata.name).role
    })
    expect(roles).toEqual(['ingress', 'worker'])
  })

  it('behavior: docs/deploy.md makes every secret that it names', async () => {
    const page = await readFile(join(root, 'docs/deploy.md'), 'utf8')
    const text = await read('kubernetes/veilcast.yaml')
    const named = [...text.matchAll(/(?:secretName: |\/run\/secrets\/veilcast\/|\/secret\/)([a-z.-]+)/g)]
    expect(named.length).toBeGreaterThan(5)
    for (const [, name] of named) expect(page).toContain(name)
  })
})

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** As if each secret's file held one. */
function withSecrets(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, item) => {
    if (typeof item?.file !== 'string') return item
    if (key === 'url') return item.file.includes('redis') ? 'redis://redis:6379' : 'http://127.0.0.1:8545'
    return key === 'passwordHash' ? passwordHash : 'x'.repeat(32)
  })
}
