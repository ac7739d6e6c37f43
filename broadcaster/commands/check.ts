import { type CheckOptions, checkSetup, type Finding } from '../config/checkSetup.ts'
import type { BroadcasterConfig } from '../config/config.ts'
import type { Terminal } from './Terminal.ts'

/** Tries all that `run` needs, and prints what it found as it finds it. True where all is well. */
export async function check(
  config: BroadcasterConfig,
  options: Pick<CheckOptions, 'environment' | 'role' | 'signal'> & { readonly json: boolean },
  terminal: Terminal,
): Promise<boolean> {
  const { json, ...rest } = options
  const line = ({ what, ok, found }: Finding): string => `${ok ? 'ok  ' : 'FAIL'}  ${what}: ${found}\n`
  const findings = await checkSetup(config, {
    ...rest,
    onStep: (what) => terminal.progress(`trying ${what} ...`),
    onFinding(finding) {
      terminal.progress('')
      if (!json) terminal.print(line(finding))
    },
  })
  terminal.progress('')
  const ok = findings.every((finding) => finding.ok)
  if (json) terminal.print(`${JSON.stringify({ ok, findings }, null, 2)}\n`)
  return ok
}
