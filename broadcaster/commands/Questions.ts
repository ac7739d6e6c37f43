import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { ConfigError } from '../config/config.ts'

/** Asks an operator, one line each; at a terminal, or of lines that were piped in. */
export interface Questions {
  /** What was typed, without spaces around it; `usual` where that is nothing. Asked again as long as `fault` says what is wrong. */
  ask(
    question: string,
    options?: {
      readonly usual?: string
      readonly hidden?: boolean
      readonly fault?: (answer: string) => string | undefined
    },
  ): Promise<string>
  say(text: string): void
  close(): void
}

const notAnswered = (): ConfigError =>
  new ConfigError(
    'Not all questions were answered, and nothing was written. With --yes and flags nothing is asked.',
  )

const maxAnswerChars = 4096
const maxTries = 10

export function askAtTerminal(
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
  stopping: AbortController,
): Questions {
  let hiding = false
  const echo = new Writable({
    write(chunk, _encoding, done) {
      if (!hiding) output.write(chunk as Buffer)
      done()
    },
  })
  const reader = createInterface({ input, output: echo, terminal: input.isTTY === true, historySize: 0 })
  const typed: string[] = []
  let waiting: { resolve(line: string): void; reject(error: Error): void } | undefined
  let ended = false
  const end = (): void => {
    ended = true
    waiting?.reject(notAnswered())
    reader.close()
  }
  reader.on('line', (line) => {
    // Several lines may come before whoever waited has gone on.
    const { resolve } = waiting ?? {}
    waiting = undefined
    if (resolve) resolve(line)
    else typed.push(line)
  })
  reader.on('SIGINT', () => stopping.abort())
  reader.on('close', end)
  stopping.signal.addEventListener('abort', end, { once: true })

  async function readLine(question: string, hidden: boolean): Promise<string> {
    output.write(question)
    const line = typed.shift()
    if (line !== undefined) return line
    if (ended) throw notAnswered()
    hiding = hidden
    try {
      return await new Promise<string>((resolve, reject) => {
        waiting = { resolve, reject }
        // So that editing the line leaves the question alone.
        reader.setPrompt(input.isTTY ? question : '')
        if (input.isTTY) reader.prompt(true)
      })
    } finally {
      waiting = undefined
      if (hidden) output.write('\n')
      hiding = false
    }
  }

  return {
    async ask(question, { usual, hidden = false, fault = () => undefined } = {}) {
      for (let tries = 0; tries < maxTries; tries++) {
        const line = await readLine(`${question}${usual === undefined ? '' : ` [${usual}]`}: `, hidden)
        if (!input.isTTY) output.write('\n')
        const answer = line.trim().slice(0, maxAnswerChars) || (usual ?? '')
        const wrong = fault(answer)
        if (wrong === undefined) return answer
        output.write(`  ${wrong}\n`)
      }
      throw notAnswered()
    },
    say: (text) => void output.write(`${text}\n`),
    close: () => reader.close(),
  }
}
