import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { type PageRecord, startBrowser, type TestBrowser } from './browser.ts'
import { contactsOfSite, netLogArguments } from './netLog.ts'
import { root, run } from './processes.ts'

export interface BuiltPage {
  readonly url: string
  /** A page of its own, with storage of its own. */
  open(options?: BrowserContextOptions): Promise<{ readonly page: Page; readonly record: PageRecord }>
  /** Closes the browser, and reads from its own record whom its pages contacted, as `host:port`. */
  contacts(): Promise<readonly string[]>
  stop(): Promise<void>
}

/** Builds a Vite page as its developer does, serves it with `vite preview`, and opens it in the system's Chromium. */
export async function startBuiltPage(
  folder: string,
  scratch: string,
  env: NodeJS.ProcessEnv = {},
): Promise<BuiltPage> {
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  const outDir = join(scratch, 'page')
  const settings = { ...process.env, NODE_ENV: 'production', NO_COLOR: '1', ...env }
  const build = spawnSync(process.execPath, [vite, 'build', '--outDir', outDir, '--emptyOutDir'], {
    cwd: folder,
    env: settings,
    encoding: 'utf8',
  })
  if (build.status !== 0) throw new Error(`vite build failed:\n${build.stdout}\n${build.stderr}`)
  const preview = run(
    process.execPath,
    [vite, 'preview', '--outDir', outDir, '--host', '127.0.0.1', '--port', '0'],
    { cwd: folder, env: settings },
  )
  const netLog = join(scratch, 'net-log.json')
  let browser: TestBrowser | undefined
  const stop = async () => {
    await browser?.close()
    preview.child.kill('SIGTERM')
    await preview.ended
  }
  try {
    const line = stripVTControlCharacters(await preview.said(/http:\/\/127\.0\.0\.1:/))
    const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(line)![0]
    browser = await startBrowser(netLogArguments(netLog))
    const launched = browser
    return {
      url,
      open: (options) => launched.open(options),
      async contacts() {
        await launched.close()
        return contactsOfSite(netLog, 'http://127.0.0.1')
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Writes what a wallet's page is told, and names the file. */
export async function writeWalletConfig(scratch: string, config: object): Promise<string> {
  const path = join(scratch, 'wallet.json')
  await writeFile(path, JSON.stringify(config))
  return path
}
