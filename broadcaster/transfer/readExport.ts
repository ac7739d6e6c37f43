import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { ConfigError } from '../config/config.ts'
import type { KeptCursor, KeptRecord } from '../store/StoreUpkeep.ts'
import {
  type ExportHeader,
  type ExportLine,
  exportFormat,
  exportHeader,
  exportLine,
  maxLineBytes,
} from './exportLines.ts'

const pageSize = 256

export interface ReadExport {
  readonly header: ExportHeader
  readonly cursors: readonly KeptCursor[]
  /** Each counted once. */
  readonly count: number
  /** Reads the file again, which is checked by then. */
  records(): AsyncIterable<readonly KeptRecord[]>
}

/** Reads a file that `exportStore` wrote, whole, before anything is done with it. @throws ConfigError */
export async function readExport(
  file: string,
  options: { readonly signal: AbortSignal; readonly onProgress: (records: number) => void },
): Promise<ReadExport> {
  const refuse = (fault: string): ConfigError => new ConfigError(`${file} ${fault}`)
  const sha256 = createHash('sha256')
  let header: ExportHeader | undefined
  let end: { lines: number; records: number; cursors: number; sha256: string } | undefined
  const cursors: KeptCursor[] = []
  let records = 0
  let number = 0
  for await (const line of linesOf(file)) {
    options.signal.throwIfAborted()
    number++
    if (end) throw refuse('goes on after its end.')
    if (!header) {
      header = headerOf(line, refuse)
      sha256.update(line)
      continue
    }
    const parsed = exportLine.safeParse(jsonOf(line))
    if (!parsed.success) throw refuse(`was damaged: line ${number} is none of an export.`)
    if ('end' in parsed.data) {
      end = parsed.data.end
      continue
    }
    sha256.update(line)
    if ('cursor' in parsed.data) cursors.push(cursorOf(parsed.data.cursor))
    else {
      records++
      if (records % pageSize === 0) options.onProgress(records)
    }
  }
  if (!header) throw refuse('is empty.')
  if (!end) throw refuse('was cut off: it has no end.')
  if (end.sha256 !== sha256.digest('hex') || end.lines !== records || end.cursors !== cursors.length) {
    throw refuse('was damaged: it is not what was written.')
  }
  return { header, cursors, count: end.records, records: () => pagesOf(file) }
}

async function* pagesOf(file: string): AsyncIterable<readonly KeptRecord[]> {
  let page: KeptRecord[] = []
  let isFirst = true
  for await (const line of linesOf(file)) {
    if (isFirst) {
      isFirst = false
      continue
    }
    const parsed = exportLine.parse(jsonOf(line))
    if (!('record' in parsed)) continue
    page.push(parsed.record)
    if (page.length < pageSize) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

function headerOf(line: string, refuse: (fault: string) => ConfigError): ExportHeader {
  const parsed = exportHeader.safeParse(jsonOf(line))
  if (!parsed.success) throw refuse('is no export of a store.')
  if (parsed.data.format > exportFormat) {
    throw refuse(`was written by a newer release, ${parsed.data.version}: use that one.`)
  }
  return parsed.data
}

function cursorOf({ trail, ...rest }: Extract<ExportLine, { cursor: unknown }>['cursor']): KeptCursor {
  return { ...rest, version: 1, trail: trail.map(([height, hash]) => ({ height, hash })) }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** With their ends. @throws ConfigError where the file cannot be read, or a line is too long to be one of ours */
async function* linesOf(file: string): AsyncIterable<string> {
  let rest = ''
  try {
    for await (const chunk of createReadStream(file, { encoding: 'utf8' })) {
      rest += chunk
      for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
        yield rest.slice(0, at + 1)
        rest = rest.slice(at + 1)
      }
      if (rest.length > maxLineBytes) throw new ConfigError(`${file} is no export of a store.`)
    }
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (syscall) throw new ConfigError(`${file} cannot be read (${code}).`)
    throw error
  }
  if (rest !== '') yield rest
}
