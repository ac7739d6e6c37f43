import { createReadStream } from 'node:fs'
import { VeilcastError } from '@veilcast/shared/errors'
import { maxTransactionBytes } from '@veilcast/shared/protocol'

/** Twice the longest transaction, in hex, and some white space. */
const maxInputBytes = 2 * maxTransactionBytes + 1024

/**
 * A signed transaction as hex, with or without 0x, or as base64, as `simd tx encode` prints it; from the command line, a file,
 * or `-` for standard input.
 * @throws VeilcastError `invalidArgument`, without what was read
 */
export async function readTransaction(from: { tx?: string; txFile?: string }): Promise<Uint8Array> {
  if ((from.tx === undefined) === (from.txFile === undefined)) {
    throw invalid('Name the signed transaction by --tx or by --tx-file, one of them.')
  }
  const text = (from.tx ?? (await readText(from.txFile ?? '-'))).trim()
  if (/^(0x)?[0-9a-fA-F]*$/.test(text) && text.length % 2 === 0) {
    return new Uint8Array(Buffer.from(text.replace(/^0x/, ''), 'hex'))
  }
  if (/^[A-Za-z0-9+/\s]+={0,2}$/.test(text)) return new Uint8Array(Buffer.from(text, 'base64'))
  throw invalid('The signed transaction is neither hex nor base64.')
}

async function readText(file: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
      chunks.push(Buffer.from(chunk))
      bytes += chunk.length
      if (bytes > maxInputBytes) break
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'an error'
    throw new VeilcastError('invalidArgument', { details: `--tx-file: cannot be read (${code}).`, cause })
  }
  if (bytes > maxInputBytes) throw invalid(`--tx-file: is longer than ${maxInputBytes} bytes.`)
  return Buffer.concat(chunks).toString('utf8')
}

function invalid(details: string): VeilcastError {
  return new VeilcastError('invalidArgument', { details })
}
