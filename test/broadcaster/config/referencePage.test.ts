import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { broadcasterConfig } from '../../../broadcaster/dist/config/config.js'
import { alternativesOf, wrappedBy } from '../../../broadcaster/dist/config/configKeys.js'
import { readConfigFile } from '../../../broadcaster/dist/config/readConfigFile.js'

const root = join(__dirname, '../../..')

/** Each key of each object that may stand anywhere, with whether something is said of it. */
function keys(schema: z.core.$ZodType, path = ''): [path: string, isDescribed: boolean][] {
  return alternativesOf(schema).flatMap((one) => {
    if (one instanceof z.ZodArray) return keys(one.element, `${path}[]`)
    if (!(one instanceof z.ZodObject)) return []
    return Object.entries(one.shape).flatMap(([key, child]) => [
      [`${path}.${key}`, isDescribed(child as z.ZodType)] as [string, boolean],
      ...keys(child as z.ZodType, `${path}.${key}`),
    ])
  })
}

function isDescribed(schema: z.core.$ZodType | undefined): boolean {
  if (schema === undefined) return false
  return !!(schema as z.ZodType).description || isDescribed(wrappedBy(schema))
}

describe('docs/configuration.md', () => {
  it('is what the schema says', () => {
    const run = spawnSync(process.execPath, ['infra/docs/writeConfiguration.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(run.stderr).toBe('')
    expect(run.status).toBe(0)
  })

  it('has a sentence for every key', () => {
    const found = keys(broadcasterConfig)
    expect(found.length).toBeGreaterThan(60)
    expect(found.filter(([, described]) => !described).map(([path]) => path)).toEqual([])
  })

  it('shows a configuration that is taken, and variables that are', async () => {
    const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8')
    const folder = await mkdtemp(join(tmpdir(), 'veilcast-config-'))
    try {
      const elsewhere = { '/run/secrets/redis-url': 'redis://:pw@h', '/run/secrets/rpc-url': 'http://h' }
      const inFolder = (text: string): string => text.replaceAll('/run/secrets', folder)
      for (const [path, text] of Object.entries(elsewhere)) {
        await writeFile(inFolder(path), text, { mode: 0o600 })
      }
      const path = join(folder, 'veilcast.yaml')
      await writeFile(path, inFolder(/```yaml\n([\s\S]+?)```/.exec(page)![1]!))
      const shown = /```sh\n([\s\S]+?)```/.exec(page)![1]!.trim().split('\n')
      const variables = shown.map((line) => /^(\w+)='?(.+?)'?$/.exec(inFolder(line))!.slice(1))
      const config = await readConfigFile(path, {
        environment: { ...Object.fromEntries(variables), OTHER_RPC_URL: 'http://127.0.0.1:1' },
      })
      expect(config).toMatchObject({
        store: { url: 'redis://:pw@h' },
        logLevel: 'debug',
        http: { port: 9000 },
      })
      expect(config.chains.map(({ endpoints }) => endpoints.map(({ url }) => url))).toEqual([
        ['https://rpc.example/KEY', 'http://h'],
        ['http://127.0.0.1:9545'],
      ])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
