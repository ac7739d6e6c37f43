import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Installs the dependencies where they are missing or older than the lock file, and builds. Needs nothing but Node. */
export async function ensureReady() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Node 20.19 or later is needed; this is ${process.versions.node}.`)
  }
  if (!installed()) {
    process.stdout.write('installing the dependencies (a minute or two, once) …\n')
    await command(process.platform === 'win32' ? 'npm.cmd' : 'npm', [
      'ci',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ])
    copyFileSync(join(root, 'package-lock.json'), installedLock)
  }
  const started = Date.now()
  await command(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'])
  process.stdout.write(`built in ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
}

/** What `npm ci` was last run for: a copy of the lock file beside what it installed. */
const installedLock = join(root, 'node_modules/.veilcast-lock.json')

function installed() {
  // An installation that somebody else made counts where it is not older than the lock file.
  const npmMark = join(root, 'node_modules/.package-lock.json')
  const lock = join(root, 'package-lock.json')
  if (existsSync(installedLock)) return readFileSync(installedLock, 'utf8') === readFileSync(lock, 'utf8')
  return existsSync(npmMark) && statSync(npmMark).mtimeMs >= statSync(lock).mtimeMs - 1000
}

/** Runs it with our own output; a signal that reaches us has reached it too, being in our group. */
export function command(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (code === 0) resolve()
      else
        reject(
          Object.assign(new Error(`${[program, ...args].join(' ')} ended with ${signal ?? code}`), {
            code,
            signal,
          }),
        )
    })
  })
}
