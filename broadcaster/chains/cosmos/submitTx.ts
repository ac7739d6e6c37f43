import { bytesToHex } from '@noble/hashes/utils.js'
import { type ErrorName, wireError } from '@veilcast/shared/errors'
import { z } from 'zod'
import type { Handed, InspectedTx } from '../ChainAdapter.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { type CometNode, code, codespace, hash32 } from './cometNode.ts'
import type { CosmosTx } from './decodeTx.ts'
import { nodeWords } from './nodeWords.ts'

const broadcastAnswer = z.object({ code, codespace, log: z.string().nullish(), hash: hash32 })
type CheckTxAnswer = z.output<typeof broadcastAnswer>

/** What CheckTx said against it, by its code in the SDK's own codespace (cosmos-sdk types/errors/errors.go). */
const namesOfCodes: Readonly<Record<number, ErrorName>> = {
  4: 'cosmosUnauthorized',
  5: 'cosmosInsufficientFunds',
  11: 'cosmosOutOfGas',
  12: 'cosmosMemoTooLarge',
  13: 'cosmosFeeTooLow',
}
const alreadyInMempool = 19
const mempoolIsFull = 20
const wrongSequence = 32

/**
 * Hands the bytes to one node, once: `broadcast_tx_sync`, which answers after CheckTx.
 * @throws EndpointProblem where nothing usable came back; the node may have the bytes all the same
 */
export async function submitTx(node: CometNode, tx: InspectedTx, signal?: AbortSignal): Promise<Handed> {
  const params = { tx: Buffer.from(tx.signedTx).toString('base64') }
  let answer: CheckTxAnswer
  try {
    answer = await node.call('broadcast_tx_sync', params, broadcastAnswer, { signal })
  } catch (error) {
    const words = nodeWords(error)
    const refusal = readRefusal(words)
    if (refusal) answer = refusal
    else if (inMempool.test(words)) return { kind: 'taken' }
    else if (tooLarge.test(words)) return endpointRejected(txTooLarge, 'sdk')
    else throw error
  }
  if (answer.hash !== bytesToHex(tx.txId)) throw new EndpointProblem('lied')
  return classify(answer, (tx.parsed as CosmosTx).authInfo.signerInfos[0]?.sequence ?? 0n)
}

/** What CometBFT's mempool says before CheckTx (mempool/errors.go), and its server of a body that it does not read. */
const inMempool = /tx already exists in cache|transaction already in mempool/
const tooLarge = /Tx too large|request body too large/
const txTooLarge = 21

/** CometBFT 1.0 puts what CheckTx refused into an error's words, where 0.37 and 0.38 answer with the same fields. */
function readRefusal(words: string): CheckTxAnswer | undefined {
  const refusal =
    /tx ([0-9A-F]{64}) is invalid: code=(\d{1,10}), data=[0-9A-F]*, log='(.*)', codespace='(.*)'$/s
  const [, hash, code, log, codespace] = refusal.exec(words) ?? []
  return broadcastAnswer.safeParse({ hash, code: Number(code), log, codespace }).data
}

function classify({ code, codespace, log }: CheckTxAnswer, sequence: bigint): Handed {
  if (code === 0) return { kind: 'taken' }
  if (codespace === 'sdk') {
    if (code === alreadyInMempool) return { kind: 'taken' }
    if (code === mempoolIsFull) return { kind: 'unavailable' }
    if (code === wrongSequence) return readMismatch(log ?? '', sequence)
    const name = namesOfCodes[code]
    if (name) return { kind: 'rejected', error: wireError(name, { code }) }
  }
  return endpointRejected(code, codespace)
}

/** Of several signers it can be another's sequence that is wrong, which says nothing about the place in our order. */
function readMismatch(log: string, sequence: bigint): Handed {
  const [, expectedText, gotText] = /expected (\d{1,20}), got (\d{1,20})/.exec(log) ?? []
  if (expectedText === undefined || gotText === undefined) return endpointRejected(wrongSequence, 'sdk')
  const expected = BigInt(expectedText)
  const got = BigInt(gotText)
  if (got === sequence && expected < got) return { kind: 'early', expected }
  if (got === sequence && expected > got) return { kind: 'used', expected }
  return { kind: 'rejected', error: wireError('cosmosWrongSequence', { expected, got }) }
}

function endpointRejected(code: number, codespace: string): Handed {
  return { kind: 'rejected', error: wireError('endpointRejected', { code }, { label: codespace }) }
}
