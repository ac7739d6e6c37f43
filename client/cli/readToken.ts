import { readFile, writeFile } from 'node:fs/promises'
import { VeilcastError } from '@veilcast/shared/errors'
import { newToken } from '../rpc/token.ts'

/** The token in a file, which is made, for this user alone, where it is not there. @throws VeilcastError `invalidArgument` */
export async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw invalid(error)
  }
  const token = newToken()
  try {
    await writeFile(file, `${token}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw invalid(error)
  }
  return token
}

function invalid(cause: unknown): VeilcastError {
  return new VeilcastError('invalidArgument', {
    details: `--token-file: cannot be read or made (${codeOf(cause)}).`,
    cause,
  })
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'an error'
