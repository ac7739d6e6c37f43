import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { MixnetError } from '../Mixnet.ts'
import { type FileLock, lockFile } from './lockFile.ts'

/** The secret that is a listener's address, in a file with mode 0600 and one owner. */
export interface IdentityFile {
  /** Undefined before the first write. */
  read(): Promise<Uint8Array | undefined>
  /** Whole or not at all, and on disk when it resolves. */
  write(identity: Uint8Array): Promise<void>
  release(): Promise<void>
}

/** An identity is some 10 KB. */
const maxIdentityBytes = 4_194_304

/** @throws MixnetError `unreachable` while another process runs with this identity */
export async function openIdentityFile(path: string): Promise<IdentityFile> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const lock: FileLock = await lockFile(`${path}.lock`)
  return {
    async read() {
      try {
        const bytes = await readFile(path)
        if (bytes.length > maxIdentityBytes)
          throw new MixnetError('unsealed', 'The identity file is too large to be one.')
        return bytes
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },

    async write(identity) {
      const draft = `${path}.${randomBytes(6).toString('hex')}`
      try {
        const file = await open(draft, 'wx', 0o600)
        try {
          await file.writeFile(identity)
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(draft, path)
      } catch (error) {
        await rm(draft, { force: true })
        throw error
      }
    },

    release: lock.release,
  }
}
