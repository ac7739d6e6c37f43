import { type ChainId, isChainId } from '@veilcast/shared/protocol'
import { z } from 'zod'
import type { KeptCursor, KeptRecord } from '../store/StoreUpkeep.ts'
import {
  endStates,
  liveStates,
  type Mac,
  maxRequestsPerRecord,
  maxTrailBlocks,
  type TxKey,
} from '../store/TxStore.ts'

/**
 * What a store holds, as lines of JSON: who wrote it and under which key file; a line for each record and each chain's cursor; how
 * many that were, with the SHA-256 of all bytes before. Records stay sealed as they are: without the key file the file says no more
 * than the store does. Integers of 64 bits are decimal strings, bytes base64.
 */
export const exportFormat = 1

/** A record holds a signed transaction of at most 1 MiB; in base64, with all the rest. */
export const maxLineBytes = 2 * 1_048_576

const integer = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt)
const bytes = z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64')))
const name = z.string().regex(/^[a-z2-7]{26}$/)
const key = name.transform((text) => text as TxKey)
const mac = name.transform((text) => text as Mac)
const chain = z
  .string()
  .refine(isChainId, 'a CAIP-2 id')
  .transform((text) => text as ChainId)
const timeMs = z.int().min(0)
const hash = z.string().max(128)

export const exportHeader = z.object({
  veilcast: z.literal('store'),
  format: z.int(),
  writtenAtMs: timeMs,
  /** `fingerprint` of the vault under which all is sealed. */
  sealedBy: name,
  /** Of the release that wrote it. */
  version: z.string().max(64),
})
export type ExportHeader = z.output<typeof exportHeader>

const exportRecord = z.strictObject({
  key,
  chain,
  txIdMac: mac,
  laneMac: mac.nullable(),
  sequence: integer.nullable(),
  state: z.enum([...liveStates, ...endStates]),
  number: z.int().min(1),
  bytes: bytes.nullable(),
  txId: bytes,
  detail: bytes.nullable(),
  exposedTo: z.string().max(256).nullable(),
  blockHeight: integer.nullable(),
  blockHash: hash.nullable(),
  requestMacs: z.array(mac).min(1).max(maxRequestsPerRecord),
  foundBy: z.array(mac).max(maxRequestsPerRecord),
  notAfterMs: timeMs,
  createdAtMs: timeMs,
  changedAtMs: timeMs,
  expiresAtMs: timeMs.nullable(),
})

const exportCursor = z.strictObject({
  chain,
  trail: z.array(z.tuple([integer, hash])).max(maxTrailBlocks),
  savedAtMs: timeMs,
})

const exportEnd = z.strictObject({
  /** Of records. */
  lines: z.int().min(0),
  /** Each counted once. */
  records: z.int().min(0),
  cursors: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})

export type ExportLine =
  | { readonly record: KeptRecord }
  | {
      readonly cursor: {
        readonly chain: ChainId
        readonly trail: readonly (readonly [height: bigint, hash: string])[]
        readonly savedAtMs: number
      }
    }
  | { readonly end: z.output<typeof exportEnd> }

export const exportLine: z.ZodType<ExportLine> = z.union([
  z.strictObject({ record: exportRecord }),
  z.strictObject({ cursor: exportCursor }),
  z.strictObject({ end: exportEnd }),
])

export function recordLine(record: KeptRecord): string {
  return line({
    record: {
      ...record,
      sequence: record.sequence?.toString() ?? null,
      bytes: record.bytes && base64(record.bytes),
      txId: base64(record.txId),
      detail: record.detail && base64(record.detail),
      blockHeight: record.blockHeight?.toString() ?? null,
    },
  })
}

export function cursorLine({ chain, trail, savedAtMs }: KeptCursor): string {
  return line({
    cursor: { chain, trail: trail.map(({ height, hash }) => [height.toString(), hash]), savedAtMs },
  })
}

export function line(value: object): string {
  return `${JSON.stringify(value)}\n`
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
