export {
  type ErrorName,
  findVeilcastError,
  type Outcome,
  type Retry,
  VeilcastError,
} from '@veilcast/shared/errors'
export type { MixnetAddress, MixnetDialer } from '@veilcast/shared/mixnet'
export type {
  CosmosInclusion,
  Durability,
  EvmInclusion,
  FinalityRule,
  Inclusion,
  ServedChain,
  Stage,
  TxState,
  Until,
} from '@veilcast/shared/protocol'
export type { Messages, Timing } from './converse.ts'
export { type ClientOptions, createClient, type VeilcastClient } from './createClient.ts'
export type { BroadcasterInfo, InfoParameters } from './info.ts'
export type { Claim, Journal, JournalEntry, JournalLimits } from './journal/Journal.ts'
export { createMemoryJournal } from './journal/memory.ts'
export type { ResumeOptions, Unfinished } from './journal/resume.ts'
export type { Ended, Submission } from './journal/Submission.ts'
export type { Logger, WaitOptions } from './parseArguments.ts'
export type { IgnoredReplies } from './pending.ts'
export type { ReadParameters } from './read.ts'
export type { Head, ReadCounters } from './reads/createReads.ts'
export type { Progress, Receipt } from './receipt.ts'
export type { StatusParameters } from './status.ts'
export type { FollowingOptions, SubmitOptions, SubmitParameters } from './submit.ts'
