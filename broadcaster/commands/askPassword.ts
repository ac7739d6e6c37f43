import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

const maxInputBytes = 16_384

/** A password: typed twice and not shown at a terminal, else the first line of standard input. @throws RangeError in words for the operator */
export async function askPassword(): Promise<string> {
  if (!process.stdin.isTTY) return firstLine()
  const first = await askHidden('Password: ')
  if (first !== (await askHidden('Once more: '))) throw new RangeError('The two are not the same. Try again.')
  return first
}

async function firstLine(): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin) {
    chunks.push(Buffer.from(chunk))
    bytes += chunks.at(-1)?.length ?? 0
    if (bytes > maxInputBytes)
      throw new RangeError(`More than ${maxInputBytes} bytes came on standard input.`)
  }
  return Buffer.concat(chunks).toString('utf8').split(/\r?\n/, 1)[0] ?? ''
}

function askHidden(question: string): Promise<string> {
  process.stderr.write(question)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 })
  return new Promise((resolve, reject) => {
    lines.once('SIGINT', () => {
      lines.close()
      process.stderr.write('\n')
      reject(new RangeError('Nothing was written.'))
    })
    lines.question('', (answer) => {
      lines.close()
      process.stderr.write('\n')
      resolve(answer)
    })
  })
}
