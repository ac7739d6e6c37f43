/** What was started, to be stopped in the reverse order, whatever happens on the way. */
export interface Lifecycle {
  /** Aborted at the first Ctrl-C. */
  readonly signal: AbortSignal
  /** Remembers how to stop it. */
  onStop(what: string, stop: () => Promise<unknown>): void
  stopAll(): Promise<void>
  /** Resolves at the first Ctrl-C. */
  readonly interrupted: Promise<void>
}

const stopLimitMs = 25_000

export function createLifecycle(): Lifecycle {
  const stopping = new AbortController()
  const stops: { what: string; stop: () => Promise<unknown> }[] = []
  let firstMs = 0
  const interrupted = new Promise<void>((resolve) => {
    const onSignal = (): void => {
      // A terminal's Ctrl-C reaches us more than once under npm: a second one counts a second later.
      if (firstMs > 0) {
        if (Date.now() - firstMs > 1000) process.exit(130)
        return
      }
      firstMs = Date.now()
      process.stdout.write('\nstopping …\n')
      stopping.abort()
      resolve()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
    process.on('SIGHUP', onSignal)
    // Nobody reads on, as in `npm run demo | head`, or the terminal is gone: unheard, the error would end us with all running.
    for (const output of [process.stdout, process.stderr]) {
      output.on('error', () => {
        stopping.abort()
        resolve()
      })
    }
  })

  return {
    signal: stopping.signal,
    interrupted,
    onStop: (what, stop) => void stops.push({ what, stop }),
    async stopAll() {
      for (let next = stops.pop(); next; next = stops.pop()) {
        const { what, stop } = next
        const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), stopLimitMs).unref())
        const ended = await Promise.race([
          stop().catch((error: unknown) => process.stderr.write(`${what}: ${String(error)}\n`)),
          late,
        ])
        if (ended === 'late') process.stderr.write(`${what} did not stop within ${stopLimitMs / 1000} s\n`)
      }
    },
  }
}
