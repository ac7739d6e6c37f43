import type { MixnetAddress, SenderTag } from '../Mixnet.ts'

export type Outgoing =
  | {
      readonly kind: 'request'
      readonly to: MixnetAddress
      readonly payload: Uint8Array
      /** 0 goes as a plain message, which carries no sender tag either. */
      readonly surbs: number
    }
  | {
      readonly kind: 'reply'
      readonly to: SenderTag
      readonly payload: Uint8Array
    }

export interface Incoming {
  readonly payload: Uint8Array
  /** Absent on plain messages and on replies. */
  readonly replyTo?: SenderTag
}

/** One connection of one Nym client to its gateway, from its opening to its loss. What a transport has to provide. */
export interface Link {
  readonly address: MixnetAddress
  /**
   * Resolves once the Nym client has taken the message. Rejects with a MixnetError where it refuses this message, and with
   * anything else where the link itself is gone.
   */
  carry(message: Outgoing): Promise<void>
  /** Ends every thread and socket. Idempotent. */
  close(): Promise<void>
  /** How long what it has taken will still take to leave, at the pace of the client. Default 0. */
  backlogMs?(): number
}

export interface LinkEvents {
  readonly receive: (message: Incoming) => void
  /** The gateway is gone. Said once, after opening; more is ignored. */
  readonly lost: () => void
}

/** Opens a link or throws; the signal ends the attempt, and with it whatever it has opened. */
export type OpenLink = (events: LinkEvents, signal: AbortSignal) => Promise<Link>
