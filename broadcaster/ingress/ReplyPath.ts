import type { MixnetListener, SenderTag } from '@veilcast/shared/mixnet'

/** The way back to whoever asked: a sender tag means something to the Nym client alone that it came to. */
export interface ReplyPath {
  readonly listener: Pick<MixnetListener, 'reply'>
  readonly tag: SenderTag
}

export function isSamePath(one: ReplyPath, other: ReplyPath): boolean {
  return one.listener === other.listener && one.tag === other.tag
}
