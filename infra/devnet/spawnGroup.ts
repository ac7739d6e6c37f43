import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * The shell that stands between us and the process. It keeps the read end of a pipe whose write end only we hold: when
 * we die, however we die, the read ends, and the whole group is told to stop, then killed. It ignores the signals
 * itself, so that it outlives the process and reports its exit status.
 */
const keeper = `
exec 3<&0
"$@" </dev/null 3<&- &
process=$!
(
  trap '' TERM INT HUP
  read -r _ <&3
  kill -TERM 0
  sleep 8
  kill -KILL 0
) >/dev/null 2>&1 &
watch=$!
trap '' TERM INT HUP
exec 3<&- >/dev/null 2>&1
wait $process
status=$?
kill -KILL $watch
wait $watch
exit $status
`

const stopLimitMs = 8_000
const keptLines = 40

export type ProcessGroup = {
  /** The process group: signal it as `-groupId`. */
  groupId: number
  /** Settles when the process has ended and its output has been read. */
  exited: Promise<{ status: number | null }>
  /** The last lines that it wrote, at most 40. */
  lastLines: () => string[]
  /** SIGTERM to the whole group, SIGKILL after 8 s; settles when none of it is left. */
  stop: () => Promise<void>
}

export type SpawnGroupOptions = {
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** Written to nothing but memory unless you take it: each line of stdout and stderr. */
  onLine?: (line: string) => void
}

/** Starts a process in a group of its own: a terminal's Ctrl-C does not reach it, and it never outlives us. POSIX only. */
export function spawnGroup(command: string, args: string[], options: SpawnGroupOptions = {}): ProcessGroup {
  const child = spawn('/bin/sh', ['-c', keeper, 'sh', command, ...args], {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const groupId = child.pid
  if (groupId === undefined) throw new Error('/bin/sh could not be started')

  const recent: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      recent.push(line)
      if (recent.length > keptLines) recent.shift()
      options.onLine?.(line)
    })
  }
  child.stdin.on('error', () => {})
  const exited = new Promise<{ status: number | null }>((resolve) => {
    child.on('close', (status) => resolve({ status }))
  })

  let stopping: Promise<void> | undefined
  return {
    groupId,
    exited,
    lastLines: () => [...recent],
    stop: async () => {
      stopping ??= stopGroup(groupId)
      await stopping
      await exited
    },
  }
}

/** Stops a process group, and returns when none of it is left. */
export async function stopGroup(groupId: number): Promise<void> {
  if (!signalGroup(groupId, 'SIGTERM')) return
  const killAt = Date.now() + stopLimitMs
  let killed = false
  for (;;) {
    await delay(20)
    if (!signalGroup(groupId, 0)) return
    if (Date.now() < killAt) continue
    // What SIGKILL leaves is a zombie that nobody reaps: nothing more can be done about it.
    if (killed && Date.now() > killAt + 2_000) return
    killed = true
    signalGroup(groupId, 'SIGKILL')
  }
}

function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-groupId, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return true
    return false
  }
}
