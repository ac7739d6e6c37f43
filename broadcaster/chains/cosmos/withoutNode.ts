import { z } from 'zod'

const noId = '0'.repeat(40)
const nobody = { listen_addr: 'tcp://0.0.0.0:26656', channels: '', moniker: 'veilcast', other: {} }

const statusOfChain = z.object({
  node_info: z.object({
    protocol_version: z.object({ p2p: z.string(), block: z.string(), app: z.string() }),
    network: z.string().max(64),
    version: z.string().max(64),
  }),
  sync_info: z.object({
    latest_block_hash: z.string().max(64),
    latest_app_hash: z.string().max(128),
    latest_block_height: z.string().max(20),
    latest_block_time: z.string().max(64),
    earliest_block_hash: z.string().max(64).optional(),
    earliest_app_hash: z.string().max(128).optional(),
    earliest_block_height: z.string().max(20).optional(),
    earliest_block_time: z.string().max(64).optional(),
    catching_up: z.boolean(),
  }),
})

/**
 * A status tells the node's name, id, addresses and key, which are its operator's own: of them only the form is left. Undefined where
 * it is none.
 */
export function withoutNode(status: unknown): unknown {
  const parsed = statusOfChain.safeParse(status)
  if (!parsed.success) return undefined
  const { node_info, sync_info } = parsed.data
  return {
    node_info: {
      ...node_info,
      id: noId,
      ...nobody,
    },
    sync_info,
    validator_info: {
      address: noId,
      pub_key: { type: 'tendermint/PubKeyEd25519', value: Buffer.alloc(32).toString('base64') },
      voting_power: '0',
    },
  }
}

const text = z.string().max(256).optional()
const nodeInfoOfChain = z.object({
  default_node_info: statusOfChain.shape.node_info,
  application_version: z
    .object({ name: text, app_name: text, version: text, git_commit: text, cosmos_sdk_version: text })
    .optional(),
})

/** The same of the REST API's node_info, and without the long list of what the node was built from. */
export function withoutNodeInfo(body: unknown): unknown {
  const parsed = nodeInfoOfChain.safeParse(body)
  if (!parsed.success) return undefined
  const { default_node_info, application_version } = parsed.data
  return {
    default_node_info: { ...default_node_info, default_node_id: noId, ...nobody },
    application_version: { ...application_version, build_tags: '', go_version: '', build_deps: [] },
  }
}
