import type {
  ChainId,
  Inclusion,
  ReadAnswers,
  Reply,
  ReplyBody,
  Request,
  RequestBody,
  RequestId,
  TxId,
  TxState,
} from '@veilcast/shared/protocol'
import fc from 'fast-check'

/** Any message that the protocol can carry, for properties. */

const u32 = fc.nat({ max: 0xffff_ffff })
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const upTo = (maxLength: number) => fc.uint8Array({ maxLength })
const id = bytes(16) as fc.Arbitrary<RequestId>
const txId = bytes(32) as fc.Arbitrary<TxId>
const letters = (from: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...from), minLength, maxLength })
const printable = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index)).join('')
const text = (maxLength: number) => letters(printable, 0, maxLength)
const chain = fc
  .tuple(letters('-az09', 3, 8), letters('-_azAZ09', 1, 32))
  .map(([namespace, reference]) => `${namespace}:${reference}` as ChainId)
const until = fc.constantFrom('accepted', 'included', 'final')
const durability = fc.constantFrom('fsync', 'replicated', 'memory')

const requestBody: fc.Arbitrary<RequestBody> = fc.oneof(
  fc.record({
    kind: fc.constant('submit'),
    until,
    everyStage: fc.boolean(),
    notAfter: u32,
    chain,
    signedTx: upTo(600),
  }),
  fc.record({ kind: fc.constant('status'), until, everyStage: fc.boolean(), submitId: id }),
  fc.record({ kind: fc.constant('info') }),
  fc.record({
    kind: fc.constant('read'),
    chain,
    reads: fc.array(fc.record({ method: text(64), params: upTo(100) }), { minLength: 1, maxLength: 32 }),
  }),
)

export const anyRequest: fc.Arbitrary<Request> = fc.record({
  id,
  surbs: fc.nat({ max: 255 }),
  body: requestBody,
})

const error = fc.record({
  number: fc.nat({ max: 0xffff }),
  outcome: fc.constantFrom('notSent', 'unknown', 'onChain'),
  values: fc.array(u64, { maxLength: 4 }),
  label: text(32),
})

const inclusion: fc.Arbitrary<Inclusion> = fc.oneof(
  fc.record({
    family: fc.constant('evm'),
    height: u64,
    blockHash: bytes(32),
    transactionIndex: u32,
    ok: fc.boolean(),
    gasUsed: u64,
    effectiveGasPrice: fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
    revertData: upTo(256),
  }),
  fc.record({
    family: fc.constant('cosmos'),
    height: u64,
    blockHash: bytes(32),
    code: u32,
    codespace: text(32),
    gasWanted: u64,
    gasUsed: u64,
  }),
)

const state: fc.Arbitrary<TxState> = fc.oneof(
  fc.record({ stage: fc.constant('accepted'), durability }),
  fc.record({ stage: fc.constant('submitted'), rejection: fc.option(error, { nil: undefined }) }),
  fc.record({ stage: fc.constantFrom('included', 'final'), inclusion }),
  fc.record({ stage: fc.constant('replaced'), by: txId, height: u64 }),
  fc.record({ stage: fc.constantFrom('refused', 'lapsed'), error }),
)

const served = fc.record({
  chain,
  family: fc.constantFrom('evm', 'cosmos'),
  live: fc.boolean(),
  finality: fc.constantFrom('instant', 'confirmations', 'finalized'),
  confirmations: fc.nat({ max: 0xffff }),
  maxTransactionBytes: u32,
  height: u64,
})

const replyBody: fc.Arbitrary<ReplyBody> = fc.oneof(
  fc.record({ kind: fc.constant('state'), txId, state }),
  fc.record({ kind: fc.constant('failure'), error }),
  fc.record({
    kind: fc.constant('info'),
    now: u32,
    maxNotAfterSeconds: u32,
    retentionSeconds: u32,
    durability,
    chains: fc.array(served, { maxLength: 64 }),
  }),
  fc.record({
    kind: fc.constant('results'),
    packing: fc.constantFrom('plain', 'deflate'),
    answers: upTo(600),
  }),
)

export const anyReply: fc.Arbitrary<Reply> = fc.record({
  id,
  incarnation: bytes(8),
  number: u32,
  body: replyBody,
})

export const anyReadAnswers: fc.Arbitrary<ReadAnswers> = fc.record({
  height: u64,
  freshMs: u32,
  answers: fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('result'), result: upTo(100) }),
      fc.record({ kind: fc.constant('reverted'), data: upTo(100) }),
      fc.record({ kind: fc.constant('failed'), error }),
    ),
    { maxLength: 32 },
  ),
})
