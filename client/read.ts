import { parseRead, parseWait, type WaitOptions } from './parseArguments.ts'
import type { Reads } from './reads/createReads.ts'

export interface ReadParameters {
  /** CAIP-2, as in `eip155:1`. */
  readonly chain: string
  /** One that the broadcaster allows: `eth_getBalance`, say. */
  readonly method: string
  /** What JSON can say, at most 16 384 bytes. Default `[]`. */
  readonly params?: readonly unknown[] | Readonly<Record<string, unknown>> | undefined
  /** Longest result; the SURBs for one that needs more than a packet are attached once its size is known. Default 16 384. */
  readonly maxResultBytes?: number | undefined
}

/** Asks the chain through the broadcaster, together with what else is asked of it now. */
export async function read(reads: Reads, parameters: ReadParameters, options: WaitOptions): Promise<unknown> {
  return reads.read(parseRead(parameters), parseWait(options))
}
