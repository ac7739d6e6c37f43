import { ensureReady } from '../../infra/setup/ensureReady.mjs'

// Plain JavaScript, so that a fresh clone can run it: it installs and builds, then hands over to the benches themselves.
try {
  await ensureReady()
} catch (error) {
  if (!error.signal && error.code !== 130) process.stderr.write(`${error.message}\n`)
  process.exit(error.signal ? 130 : 1)
}
await import('./dist/bench/main.js')
