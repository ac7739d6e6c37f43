import type { ChainId } from '@veilcast/shared/protocol'
import { maxNotAfterSeconds } from '@veilcast/shared/protocol'
import type { InspectedTx } from '../chains/ChainAdapter.ts'
import { ConfigError } from '../config/config.ts'
import {
  existingKey,
  hasNextKey,
  openNextKey,
  readFormerKey,
  takeNextKey,
  writeFormerKey,
} from '../config/keyFile.ts'
import { rekey } from '../store/rekey.ts'
import type { Store } from '../store/Store.ts'
import type { KeptRecord } from '../store/StoreUpkeep.ts'
import { closedBecause } from '../store/StoreUpkeep.ts'
import { StoreError } from '../store/TxStore.ts'
import { createVault, type Vault } from '../store/vault.ts'

/** What was under way at the rotation has ended by then: a notAfter, and the hour that another's use of its number is waited for. */
const maxLifeSeconds = maxNotAfterSeconds + 7_200

export interface Rotated {
  readonly records: number
  /** Until when the former key is kept, milliseconds since 1970. */
  readonly formerUntilMs: number
}

/**
 * Seals a store, started for this process alone, under a new key file, and puts that in the place of the old one, which is kept as
 * `<key file>.former` for as long as somebody may ask by a request id of before. Cut off at any point, it is finished by being run
 * again; no broadcaster starts in between.
 *
 * @param options.inspect undefined where the chain is not configured
 * @throws ConfigError, StoreError; the signal's reason
 */
export async function rotateKey(
  { upkeep }: Store,
  options: {
    readonly keyFile: string
    readonly retentionSeconds: number
    readonly inspect: (chain: ChainId, signedTx: Uint8Array) => InspectedTx | undefined
    readonly signal: AbortSignal
    readonly onProgress: (records: number) => void
    /** Called before each step that lasts. Default: nothing. */
    readonly onStep?: (step: string) => void
  },
): Promise<Rotated> {
  const { keyFile, signal, onStep = () => {} } = options
  const closed = await upkeep.closed()
  if (closed !== null && closed !== 'rotating') throw new StoreError(closedBecause[closed])
  const current = createVault(await existingKey(keyFile))
  const former = await readFormerKey(keyFile)
  const isSwapped = closed === 'rotating' && former !== undefined && !(await hasNextKey(keyFile))
  if (isSwapped) {
    onStep('open the store')
    await upkeep.close(null)
    return { records: await upkeep.count(), formerUntilMs: former.untilMs }
  }
  if (former && closed === null) {
    throw new ConfigError(
      `The key was rotated before, and its former one is needed until ${new Date(former.untilMs).toISOString()}: rotate it again after that.`,
    )
  }
  onStep('make the next key')
  const next = createVault(await openNextKey(keyFile))
  const sealedBy = await upkeep.sealedBy()
  if (sealedBy !== null && sealedBy !== current.fingerprint && sealedBy !== next.fingerprint) {
    throw new StoreError(
      'The store was filled under another key file than this one: put that one in its place.',
    )
  }

  onStep('close the store')
  await upkeep.close('rotating')
  let records = 0
  for await (const page of upkeep.records()) {
    for (const record of page) {
      signal.throwIfAborted()
      const rekeyed = underNext(record, current, next, options.inspect)
      if (!rekeyed) continue
      onStep('seal a record')
      await upkeep.put([
        { record: rekeyed, ...(rekeyed.key === record.key ? {} : { insteadOf: record.key }) },
      ])
      records++
      options.onProgress(records)
    }
  }
  onStep('name the key')
  await upkeep.sealFor(next.fingerprint)
  const formerUntilMs = Date.now() + (options.retentionSeconds + maxLifeSeconds) * 1000
  onStep('keep the former key')
  await writeFormerKey(keyFile, formerUntilMs)
  onStep('put the next key in its place')
  await takeNextKey(keyFile)
  onStep('open the store')
  await upkeep.close(null)
  return { records: await upkeep.count(), formerUntilMs }
}

/** Undefined where it is sealed so already. */
function underNext(
  record: KeptRecord,
  current: Vault,
  next: Vault,
  inspect: (chain: ChainId, signedTx: Uint8Array) => InspectedTx | undefined,
): KeptRecord | undefined {
  if (opens(record, next)) return undefined
  if (!opens(record, current)) {
    throw new StoreError(
      'A record opens under neither key: it was sealed under another key file than this one.',
    )
  }
  if (record.bytes === null) return rekey(record, current, next)
  const signedTx = current.open(record.bytes, record.key, 'bytes')
  const tx = inspect(record.chain, signedTx)
  if (!tx) {
    throw new ConfigError(
      `Transactions of ${record.chain} are under way, which the configuration does not name: name it for the rotation.`,
    )
  }
  return rekey(record, current, next, { signedTx, tx })
}

function opens(record: KeptRecord, vault: Vault): boolean {
  try {
    vault.open(record.txId, record.key, 'txId')
    return true
  } catch {
    return false
  }
}
