import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { build, type Metafile } from 'esbuild'
import { browserSubpaths, nodeSubpaths } from '../support/clientSubpaths.ts'
import { execute, filesUnder, startLocalRegistry } from '../support/localRegistry.ts'
import { root } from '../support/processes.ts'

/** What a wallet has after `npm install @veilcast/client` in an empty project. */

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly sideEffects?: unknown
}

let folder: string
let project: string
let client: Manifest
let shared: Manifest

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veilcast-install-'))
  project = join(folder, 'wallet')
  await mkdir(project)
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'wallet', private: true }))
  const registry = await startLocalRegistry(folder)
  try {
    await execute(
      'npm',
      [
        'install',
        '@veilcast/client',
        '--registry',
        registry.url,
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
      ],
      {
        cwd: project,
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          npm_config_cache: join(folder, 'cache'),
          npm_config_fetch_retries: '0',
          npm_config_update_notifier: 'false',
        },
      },
    )
  } finally {
    await registry.close()
  }
  client = await manifestOf('@veilcast/client')
  shared = await manifestOf('@veilcast/shared')
}, 120_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('npm install @veilcast/client', () => {
  it('default: installs these packages and no others: no express, BullMQ, Redis or Postgres', async () => {
    const lock = JSON.parse(await readFile(join(project, 'node_modules/.package-lock.json'), 'utf8'))
    const installed = Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, ''))
    expect(installed.sort()).toEqual([
      '@noble/hashes',
      '@scure/base',
      '@veilcast/client',
      '@veilcast/shared',
      'commander',
      'ws',
    ])
  })

  it('behavior: nothing native, and nothing that runs at installation', async () => {
    const files = await filesUnder(join(project, 'node_modules'))
    expect(files.filter((file) => /\.node$|(^|\/)binding\.gyp$/.test(file))).toEqual([])
    const manifests = files.filter((file) => /^(@[^/]+\/)?[^/.]+\/package\.json$/.test(file))
    expect(manifests.length).toBeGreaterThan(3)
    for (const file of manifests) {
      const { scripts = {} } = JSON.parse(await readFile(join(project, 'node_modules', file), 'utf8'))
      expect(Object.keys(scripts)).not.toEqual(expect.arrayContaining([expect.stringMatching(/install$/)]))
    }
  })
})

describe('the packages', () => {
  it('default: what each subpath names is in them, and so is the command', async () => {
    for (const manifest of [client, shared]) {
      const files = await filesUnder(installed(manifest.name))
      const named = [
        ...Object.values(manifest.exports).flatMap((conditions) => Object.values(conditions)),
        ...Object.values(manifest.bin ?? {}),
      ]
      expect(named.length).toBeGreaterThan(4)
      for (const file of named) expect(files).toContain(file.replace('./', ''))
      expect(
        files.filter(
          (file) => !/^(dist|bin|protocol\/SPEC\.md$)|^(README\.md|package\.json|LICENSE)$/.test(file),
        ),
      ).toEqual([])
      expect(files.filter((file) => /tsbuildinfo|\.test\./.test(file))).toEqual([])
      for (const file of files.filter((name) => name.endsWith('.js.map'))) {
        const { sources, sourcesContent = [] } = JSON.parse(
          await readFile(join(installed(manifest.name), file), 'utf8'),
        )
        expect(`${file} ${sourcesContent.length}`).toBe(`${file} ${sources.length}`)
      }
    }
  })

  it('behavior: each package that they import is one that they name, and the other way about', async () => {
    for (const manifest of [client, shared]) {
      const imported = await packagesImportedBy(manifest)
      const named = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
      expect([...imported].filter((name) => !named.includes(name))).toEqual([])
      expect(Object.keys(manifest.dependencies).filter((name) => !imported.has(name))).toEqual([])
    }
  })

  it('behavior: an import changes nothing global and starts nothing, as sideEffects says', async () => {
    const names = subpathsOf(client).concat(subpathsOf(shared))
    const script = `
      const before = Object.getOwnPropertyNames(globalThis).join()
      const missing = []
      for (const name of ${JSON.stringify(names)}) {
        await import(name).catch((error) => {
          if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
          missing.push(/package '([^']+)'/.exec(error.message)?.[1] ?? error.message)
        })
      }
      if (Object.getOwnPropertyNames(globalThis).join() !== before) throw new Error('A global was changed.')
      console.log(JSON.stringify(missing))`
    const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', script], {
      cwd: project,
      timeout: 20_000,
    })
    expect([client.sideEffects, shared.sideEffects]).toEqual([false, false])
    for (const name of JSON.parse(stdout)) {
      expect(Object.keys({ ...client.peerDependencies, ...shared.peerDependencies })).toContain(name)
    }
  })

  it('behavior: the types of each subpath are found, by Node and by bundlers, and say something', async () => {
    const names = subpathsOf(client)
    await linkPeers()
    const use = names.map(
      (name, index) => `import * as s${index} from '${name}'\nexport type T${index} = typeof s${index}`,
    )
    await writeFile(
      join(project, 'use.mts'),
      `${use.join('\n')}
import { createClient } from '@veilcast/client'
// @ts-expect-error: were the types not found, this would be no error.
createClient(1)
`,
    )
    for (const [module, moduleResolution] of [
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ] as const) {
      const { stdout } = await execute(
        process.execPath,
        [
          join(root, 'node_modules/typescript/bin/tsc'),
          ...['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2023', '--types', ''],
          ...['--module', module, '--moduleResolution', moduleResolution, 'use.mts'],
        ],
        { cwd: project },
      ).catch((error) => error as { stdout: string })
      expect(stdout).toBe('')
    }
  })
})

describe('a bundle for a browser', () => {
  it('default: each subpath but those for Node, with nothing of Node in it', async () => {
    expect(browserSubpaths).toContain('')
    for (const subpath of browserSubpaths) {
      const { imports, inputs } = await bundle(subpath)
      expect(imports.filter((path) => !isPeer(path))).toEqual([])
      expect(inputs.filter((path) => /node_modules\/(ws|commander)\//.test(path))).toEqual([])
    }
  })

  it.each(nodeSubpaths)('error: %s is not for a browser, and a bundler says so', async (subpath) => {
    await expect(bundle(subpath)).rejects.toThrow(/Could not resolve "node:/)
  })
})

function subpathsOf({ name, exports }: Manifest): string[] {
  return Object.keys(exports).map((subpath) => name + subpath.slice(1))
}

function installed(name: string): string {
  return join(project, 'node_modules', name)
}

async function manifestOf(name: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(installed(name), 'package.json'), 'utf8'))
}

function isPeer(path: string): boolean {
  const peers = Object.keys({ ...client.peerDependencies, ...shared.peerDependencies })
  return peers.some((peer) => path === peer || path.startsWith(`${peer}/`))
}

async function bundle(subpath: string): Promise<{ imports: string[]; inputs: string[] }> {
  const peers = Object.keys({ ...client.peerDependencies, ...shared.peerDependencies })
  const { metafile } = await build({
    stdin: {
      contents: `export * from '${['@veilcast/client', subpath].filter(Boolean).join('/')}'`,
      resolveDir: project,
    },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
    outdir: project,
    external: peers,
    logLevel: 'silent',
  })
  const outputs: Metafile['outputs'][string][] = Object.values(metafile.outputs)
  return {
    imports: outputs.flatMap(({ imports }) =>
      imports.filter(({ external }) => external).map(({ path }) => path),
    ),
    inputs: Object.keys(metafile.inputs),
  }
}

/** The packages named in import statements of what is installed, type declarations too. */
async function packagesImportedBy({ name }: Manifest): Promise<Set<string>> {
  const packages = new Set<string>()
  const files = (await filesUnder(installed(name))).filter((file) => /\.(js|d\.ts)$/.test(file))
  for (const file of files) {
    const text = (await readFile(join(installed(name), file), 'utf8')).replace(/^\s*(?:\/?\*|\/\/).*$/gm, '')
    for (const [, specifier] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([@\w./-]+)['"]/g)) {
      if (!/^(\.|node:)/.test(specifier!)) packages.add(/^(@[^/]+\/)?[^/]+/.exec(specifier!)![0])
    }
  }
  packages.delete(name)
  return packages
}

/** What a wallet that uses an adapter or a transport has beside the client. */
async function linkPeers(): Promise<void> {
  for (const peer of Object.keys({ ...client.peerDependencies, ...shared.peerDependencies })) {
    await mkdir(dirname(installed(peer)), { recursive: true })
    await symlink(join(root, 'node_modules', peer), installed(peer))
  }
}
