import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
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
  const server = createServer(async (request, response) => {
    const [name = '', version] = decodeURIComponent(request.url ?? '')
      .slice(1)
      .split('/-/')
    try {
      const from = await realFolder(name)
      if (version) {
        response.end(await pack(from, folder))
        return
      }
      const manifest = JSON.parse(await readFile(join(from, 'package.json'), 'utf8'))
      const dist = { tarball: `${url}/${name}/-/${manifest.version}.tgz` }
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          name,
          'dist-tags': { latest: manifest.version },
          versions: { [manifest.version]: { ...manifest, dist } },
        }),
      )
    } catch (error) {
      response.statusCode = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 404 : 500
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

async function realFolder(name: string): Promise<string> {
  if (!/^(@[a-z0-9-]+\/)?[a-z0-9._-]+$/.test(name)) throw Object.assign(new Error(name), { code: 'ENOENT' })
  const from = join(root, 'node_modules', name)
  await readFile(join(from, 'package.json'))
  return from
}

async function pack(from: string, folder: string): Promise<Buffer> {
  const { stdout } = await execute(
    'npm',
    ['pack', from, '--json', '--ignore-scripts', '--pack-destination', folder],
    { cwd: folder },
  )
  const [{ filename }] = JSON.parse(stdout)
  return readFile(join(folder, filename))
}

/** Every file under a folder, by its path from there, with `/` between. */
export async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}
