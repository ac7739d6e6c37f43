import { arch, cpus, release, totalmem, type } from 'node:os'

/** What the figures were taken on, in a line. */
export function describeMachine(): string {
  const processors = cpus()
  const model = processors[0]?.model.trim() ?? ''
  const named = model === '' || model === 'unknown' ? arch() : `${model} (${arch()})`
  const memoryGiB = Math.round(totalmem() / 2 ** 30)
  return `${processors.length} cores of ${named}, ${memoryGiB} GiB, ${type()} ${release()}, Node ${process.versions.node}`
}
