import type { Ended } from '../journal/Submission.ts'
import { errorText, receiptTable, toJson } from './print.ts'
import { type Command, exitCodes, type Result } from './runCommand.ts'

/** From what may still be changed by waiting to what is as it was wanted. */
const fromTheWorst = [exitCodes.unknown, exitCodes.onChain, exitCodes.notSent, exitCodes.ok]

/** What became of each submission in the journal; the exit code is that of the worst. */
export async function resumeAll(
  { client, elapsedMs, ...waiting }: Command,
  options: { readonly json?: boolean },
): Promise<Result> {
  const ended: Ended[] = []
  const unfinished = await client.resume({ ...waiting, onResumed: (resumed) => void ended.push(resumed) })
  await Promise.allSettled(unfinished.map(({ receipt }) => receipt))
  const codes = ended.map(codeOf)
  const text = options.json
    ? toJson(ended.map(toPlain))
    : ended.map((one) => textOf(one, elapsedMs())).join('\n\n')
  return {
    text: text || 'Nothing is unfinished.',
    exitCode: fromTheWorst.find((code) => codes.includes(code)) ?? exitCodes.ok,
  }
}

function codeOf({ receipt, error }: Ended): number {
  if (error) return exitCodes[error.outcome]
  return receipt?.ok === false ? exitCodes.onChain : exitCodes.ok
}

function textOf({ txId, chain, receipt, error }: Ended, tookMs: number): string {
  if (receipt) return receiptTable(receipt, tookMs)
  return `transaction  ${txId} on ${chain}\n${error ? errorText(error, undefined) : ''}`
}

function toPlain({ error, ...resumed }: Ended): object {
  if (!error) return resumed
  const { errorName: name, outcome, retry, code, shortMessage: message, details, values, label } = error
  return { ...resumed, error: { name, outcome, retry, code, message, details, values, label } }
}
