import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { root } from './processes.ts'

export const execute = promisify(execFile)

export interface LocalRegistry {
  readonly url: string
  close(): Promise<void>
}

/**
 * A package registry over loopback whose packages are the workspaces and what is installed in node_modules, each packed when it
 * is asked for: `npm install` is tried as a stranger runs it, without the network and with the very versions that are tested.
 */
export async function startLocalRegistry(folder: string): Promise<LocalRegistry> {
  const packages = await installedPackages()
  const server = createServer(async (request, response) => {
    const [name = '', file] = decodeURIComponent(request.url ?? '')
      .slice(1)
      .split('/-/')
    const versions = packages.get(name)
    try {
      if (!versions) {
        response.statusCode = 404
        response.end()
      } else if (file) {
        const from = versions.get(file.replace(/\.tgz$/, ''))
        if (from === undefined) throw new Error(`no such version: ${file}`)
        if (from.includes('node_modules/')) await packAsItIs(from, response)
        else response.end(await pack(from, folder))
      } else {
        const manifests = await Promise.all([...versions.values()].map(readManifest))
        response.setHeader('content-type', 'application/json')
        response.end(
          JSON.stringify({
            name,
            'dist-tags': { latest: manifests[0]?.version },
            versions: Object.fromEntries(
              manifests.map((manifest) => {
                const dist = { tarball: `${url}/${name}/-/${manifest.version}.tgz` }
                return [manifest.version, { ...manifest, dist }]
              }),
            ),
          }),
        )
      }
    } catch (error) {
      response.statusCode = 500
      response.end(String(error))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** By name and version, where it lies, counted from the root; first the one that lies in the topmost node_modules. */
async function installedPackages(): Promise<Map<string, Map<string, string>>> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; resolved?: string; link?: boolean }>
  }
  const packages = new Map<string, Map<string, string>>()
  const places = Object.keys(lock.packages).filter((place) => place.includes('node_modules/'))
  for (const place of places.sort((a, b) => a.split('/').length - b.split('/').length)) {
    const { link, resolved = '', version } = lock.packages[place]!
    const from = link ? resolved : place
    const found = version ?? lock.packages[from]?.version
    // Those for other machines are in the lock file only.
    if (found === undefined || !existsSync(join(root, from, 'package.json'))) continue
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const versions = packages.get(name) ?? new Map<string, string>()
    packages.set(name, versions)
    if (!versions.has(found)) versions.set(found, from)
  }
  return packages
}

async function readManifest(from: string): Promise<{ version: string }> {
  return JSON.parse(await readFile(join(root, from, 'package.json'), 'utf8'))
}

/** What would be published. */
export async function pack(from: string, folder: string): Promise<Buffer> {
  const { stdout } = await execute(
    'npm',
    ['pack', join(root, from), '--json', '--ignore-scripts', '--pack-destination', folder],
    { cwd: folder },
  )
  const [{ filename }] = JSON.parse(stdout)
  return readFile(join(folder, filename))
}

/** What was published once, and is unpacked in node_modules. */
async function packAsItIs(from: string, to: Writable): Promise<void> {
  // Links are none in a package: scripts of its own make them, once it is installed.
  const files = (await filesUnder(join(root, from))).filter((file) => !file.startsWith('node_modules/'))
  const tar = spawn('tar', ['-c', '-C', join(root, from), '--transform', 's,^,package/,', '-T', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  tar.stdin.end(files.join('\n'))
  const closed = once(tar, 'close')
  await pipeline(tar.stdout, to, { end: false })
  const [code] = await closed
  if (code === 0) to.end()
  else to.destroy()
}

/** Every file under a folder, by its path from there, with `/` between. */
export async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}
