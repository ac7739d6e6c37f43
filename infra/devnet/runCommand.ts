import { execFile } from 'node:child_process'

const commandLimitMs = 60_000

/** Runs a command to its end, at most 60 s, and returns what it wrote to stdout. */
export function runCommand(
  [command, args]: [string, string[]],
  input = '',
  options: { readonly signal?: AbortSignal | undefined; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const { signal } = options
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      { ...options, timeout: commandLimitMs },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout)
        if (signal?.aborted) return reject(signal.reason)
        // What came in on stdin is not repeated.
        const said = stderr.trim().split('\n').slice(0, 3).join('\n')
        reject(new Error(`${command} ${args.slice(0, 2).join(' ')} failed: ${said}`, { cause: error.code }))
      },
    )
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}
