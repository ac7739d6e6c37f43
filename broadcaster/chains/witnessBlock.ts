import type { Inclusion, TxId } from '@veilcast/shared/protocol'
import type { BlockTx, ChainBlock, WaitOptions, Witness } from './ChainAdapter.ts'
import type { Asked, EndpointPool, Question } from './endpoints/EndpointPool.ts'
import { sameInclusion } from './sameInclusion.ts'

/** What an endpoint tells of a block by its height; an inclusion is null where its block does not hold the transaction. */
export interface Witnessed {
  readonly hash: string
  readonly inclusions: readonly (Inclusion | null)[]
}

/**
 * Asks other endpoints than the one that the block is from, up to three, until one tells the same of it. One that contradicts two is
 * reported as a liar. What an endpoint says of its own block proves nothing: contents can be invented beneath a true hash.
 *
 * @param question of these transactions in their order; null where the endpoint does not have the block with its receipts (yet)
 * @returns told: those that another tells the same of, all of them where there is no other or none gives a usable answer
 */
export async function witnessBlock<Client>(
  pool: EndpointPool<Client>,
  block: ChainBlock,
  transactions: readonly BlockTx[],
  question: Question<Client, Witnessed | null>,
  options: WaitOptions,
): Promise<Witness> {
  const agreesOn = (told: Witnessed, index: number) =>
    sameInclusion(told.inclusions[index] ?? null, transactions[index]?.inclusion ?? null)
  const saysTheSame = ({ answer }: Asked<Witnessed | null>) =>
    answer?.hash === block.hash && transactions.every((_, index) => agreesOn(answer, index))

  const said = await pool.askOthers(block.from, question, (all) => all.some(saysTheSame), options)
  const [first] = said
  if (!first) return told(transactions)
  const ofThisBlock = said.flatMap(({ id, answer }) => (answer?.hash === block.hash ? [{ id, answer }] : []))
  if (said.some(saysTheSame)) {
    for (const one of ofThisBlock) {
      if (!saysTheSame({ ...first, answer: one.answer })) pool.report(one.id, 'lied')
    }
    return told(transactions)
  }
  if (ofThisBlock.length === 0) {
    const endpoints = said.flatMap(({ id, answer }) => (answer === null ? [] : [id]))
    return endpoints.length > 0 ? { kind: 'otherBlock', endpoints } : { kind: 'notYet' }
  }
  if (ofThisBlock.length > 1 && ofThisBlock.every(({ answer }) => sameTold(answer, ofThisBlock[0]?.answer))) {
    pool.report(block.from, 'lied')
    return { kind: 'lied' }
  }
  return told(transactions.filter((_, index) => ofThisBlock.some(({ answer }) => agreesOn(answer, index))))
}

function told(transactions: readonly BlockTx[]): Witness {
  return { kind: 'told', txIds: transactions.map(({ txId }) => txId) }
}

function sameTold(a: Witnessed, b: Witnessed | undefined): boolean {
  return a.inclusions.every((one, index) => sameInclusion(one, b?.inclusions[index] ?? null))
}

/** What a whole block tells of these transactions. */
export function witnessedIn(
  { hash, transactions }: Omit<ChainBlock, 'from'>,
  own: readonly BlockTx[],
): Witnessed {
  const byTxId = new Map(transactions.map(({ txId, inclusion }) => [nameOf(txId), inclusion]))
  return { hash, inclusions: own.map(({ txId }) => byTxId.get(nameOf(txId)) ?? null) }
}

/** The transactions of a block that have these names. */
export function ownOf({ transactions }: ChainBlock, txIds: readonly TxId[]): BlockTx[] {
  const names = new Set(txIds.map(nameOf))
  return transactions.filter(({ txId }) => names.has(nameOf(txId)))
}

function nameOf(txId: TxId): string {
  return Buffer.from(txId).toString('hex')
}
