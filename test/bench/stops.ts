/** What a bench started, stopped in the reverse order however it ends. */
export interface Stops {
  add(stop: () => unknown): void
}

export async function withStops<T>(work: (stops: Stops) => Promise<T>): Promise<T> {
  const stops: (() => unknown)[] = []
  try {
    return await work({ add: (stop) => void stops.push(stop) })
  } finally {
    for (let stop = stops.pop(); stop; stop = stops.pop()) {
      try {
        await stop()
      } catch (error) {
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
      }
    }
  }
}
