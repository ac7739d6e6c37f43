import { ConfigError } from '../config/config.ts'
import type { Store } from '../store/Store.ts'
import { type FillOptions, fillStore } from './fillStore.ts'
import { readExport } from './readExport.ts'

/**
 * Fills a store, started for this process alone, from a file that `exportStore` wrote. What the file calls unsent may have been sent
 * since it was written: the next broadcaster takes it for sent.
 *
 * @param options.sealedBy the key file's fingerprint
 * @returns how many records that were
 * @throws ConfigError where the file is not whole, or of another key file; StoreError; the signal's reason
 */
export async function importStore(
  target: Store,
  options: FillOptions & { readonly file: string; readonly sealedBy: string },
): Promise<number> {
  const { header, ...read } = await readExport(options.file, options)
  if (header.sealedBy !== options.sealedBy) {
    throw new ConfigError(
      `${options.file} was sealed under another key file than this one: put that key file in its place first.`,
    )
  }
  await fillStore(
    target,
    { ...read, records: read.records(), sealedBy: header.sealedBy, isCurrent: false },
    options,
  )
  return read.count
}
