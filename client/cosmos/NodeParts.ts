import type { Broadcast, BroadcastStage } from './broadcastOwn.ts'
import type { OwnTransaction, ResultForm } from './ownTransactions.ts'
import type { Preparation } from './prepareAhead.ts'
import type { Wait } from './Wait.ts'

/** What the RPC and the REST API of one node share. */
export interface NodeParts {
  readonly preparation: Preparation
  read(method: string, params: object, wait: Wait): Promise<unknown>
  broadcast(signedTx: Uint8Array, stage: BroadcastStage, wait: Wait): Promise<Broadcast>
  /** The result of a transaction; undefined while it is in no block. */
  lookUp(form: ResultForm, hash: string, wait: Wait): Promise<unknown>
  own(): Iterable<OwnTransaction>
  /** Of a transaction of our own; undefined for others. */
  phaseOf(hash: string): OwnTransaction['phase'] | undefined
}
