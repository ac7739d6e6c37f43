export * from './envelope.ts'
export * from './ids.ts'
export * from './limits.ts'
export { decodeReadAnswers, encodeReadAnswers, type ReadAnswer, type ReadAnswers } from './readAnswers.ts'
export {
  type CosmosInclusion,
  type Durability,
  type EvmInclusion,
  type FailureReply,
  type FinalityRule,
  type Inclusion,
  type InfoReply,
  type Packing,
  type Reply,
  type ReplyBody,
  type ResultsReply,
  type ServedChain,
  type Stage,
  type StateReply,
  type TxState,
  txState,
} from './reply.ts'
export {
  type InfoRequest,
  type Read,
  type ReadRequest,
  type Request,
  type RequestBody,
  type StatusRequest,
  type SubmitRequest,
  type Until,
  untilWords,
} from './request.ts'
