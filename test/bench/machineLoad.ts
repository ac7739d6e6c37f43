import { readFile } from 'node:fs/promises'
import { cpus } from 'node:os'

/** How many of the machine's processors are at work, and what processes use, from this call to the next. Linux. */
export async function watchLoad(pids: readonly number[]): Promise<() => Promise<Load>> {
  const startMs = performance.now()
  const busyAtStart = busyMs()
  const cpuAtStart = await Promise.all(pids.map(cpuMs))
  return async () => {
    const tookMs = performance.now() - startMs
    const used = await Promise.all(pids.map(cpuMs))
    return {
      busyCores: (busyMs() - busyAtStart) / tookMs,
      cores: used.map((ms, index) => (ms - (cpuAtStart[index] ?? 0)) / tookMs),
      residentMiB: await Promise.all(pids.map(residentMiB)),
    }
  }
}

export interface Load {
  /** Of all processes of the machine. */
  readonly busyCores: number
  /** Of each process. */
  readonly cores: readonly number[]
  readonly residentMiB: readonly number[]
}

function busyMs(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0)
}

/** USER_HZ is 100 on every Linux that Node runs on. */
const msPerTick = 10

async function cpuMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name may hold spaces: fields are counted behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * msPerTick
}

async function residentMiB(pid: number): Promise<number> {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) / 1024
}
