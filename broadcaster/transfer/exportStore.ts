import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { link, rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ConfigError } from '../config/config.ts'
import type { Store } from '../store/Store.ts'
import { closedBecause } from '../store/StoreUpkeep.ts'
import { StoreError } from '../store/TxStore.ts'
import { version } from '../version.ts'
import { cursorLine, type ExportHeader, exportFormat, line, recordLine } from './exportLines.ts'

/**
 * Writes everything that a store holds into a file that appears under its name when it is complete, mode 0600. The store was started
 * for this process alone.
 *
 * @param options.sealedBy the key file's fingerprint, for a store that does not know it yet
 * @returns how many records that were
 * @throws ConfigError where the file cannot be written; StoreError; the signal's reason
 */
export async function exportStore(
  { upkeep }: Store,
  options: {
    readonly file: string
    /** Writes over a file that is there. */
    readonly force: boolean
    readonly sealedBy: string
    readonly signal: AbortSignal
    readonly onProgress: (records: number) => void
  },
): Promise<number> {
  const { file, signal } = options
  const closed = await upkeep.closed()
  if (closed !== null && closed !== 'moved') throw new StoreError(closedBecause[closed])
  const records = await upkeep.count()
  const sealedBy = (await upkeep.sealedBy()) ?? options.sealedBy

  async function* lines(): AsyncIterable<string> {
    const sha256 = createHash('sha256')
    let written = 0
    let cursors = 0
    const hashed = (text: string): string => {
      sha256.update(text)
      return text
    }
    const header: ExportHeader = {
      veilcast: 'store',
      format: exportFormat,
      writtenAtMs: Date.now(),
      sealedBy,
      version,
    }
    yield hashed(line(header))
    for await (const page of upkeep.records()) {
      yield hashed(page.map(recordLine).join(''))
      written += page.length
      options.onProgress(written)
    }
    for (const cursor of await upkeep.cursors()) {
      yield hashed(cursorLine(cursor))
      cursors++
    }
    yield line({ end: { lines: written, records, cursors, sha256: sha256.digest('hex') } })
  }

  const draft = `${file}.${process.pid}.part`
  try {
    await pipeline(
      Readable.from(lines()),
      createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true }),
      {
        signal,
      },
    )
    if (options.force) await rename(draft, file)
    // A link never replaces a file that is there.
    else await link(draft, file)
  } catch (error) {
    signal.throwIfAborted()
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code === 'EEXIST')
      throw new ConfigError(`${file} is there already: name another file, or write over it with --force.`)
    if (syscall) throw new ConfigError(`${file} cannot be written (${code}).`)
    throw error
  } finally {
    await rm(draft, { force: true })
  }
  return records
}
