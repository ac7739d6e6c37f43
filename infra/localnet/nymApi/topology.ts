/** The network as nym-api describes it. Keys in base58. */
export type Topology = {
  readonly gateway: NodeDescription & { readonly hostname: string; readonly websocketPort: number }
  /** One mix of each layer, in order. */
  readonly mixes: readonly [NodeDescription, NodeDescription, NodeDescription]
  /** When the current epoch, the first of its key rotation, began. */
  readonly epochStart: Date
}

export type NodeDescription = {
  readonly nodeId: number
  readonly identityKey: string
  readonly sphinxKey: string
  readonly ip: string
  readonly mixPort: number
}

/** Clients extrapolate epochs by the wall clock: one that lasts a month never ends during a run. */
export const EPOCH_SECONDS = 30 * 24 * 3600
export const EPOCHS_PER_ROTATION = 24
export const EPOCH_ID = 24
/** Odd, so uploads are marked with key rotation 1. */
export const ROTATION_ID = EPOCH_ID / EPOCHS_PER_ROTATION
