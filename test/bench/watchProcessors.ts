import { cpus } from 'node:os'

/** Returns what share of all processors, 0 to 1, was busy since the call, whoever kept them so. */
export function watchProcessors(): () => number {
  const read = () =>
    cpus().reduce(
      (sum, { times }) => {
        const idle = sum.idle + times.idle
        const all = sum.all + times.idle + times.user + times.nice + times.sys + times.irq
        return { idle, all }
      },
      { idle: 0, all: 0 },
    )
  const before = read()
  return () => {
    const after = read()
    const all = after.all - before.all
    return all === 0 ? 0 : 1 - (after.idle - before.idle) / all
  }
}
