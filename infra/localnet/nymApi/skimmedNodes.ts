import { EPOCH_ID, type NodeDescription, ROTATION_ID, type Topology } from './topology.ts'

/** Answers `/v2/unstable/nym-nodes/skimmed` and its narrower siblings. */
export function skimmedNodes(topology: Topology, which: 'entry-gateways' | 'mixnodes' | 'all') {
  const mixes = topology.mixes.map((mix, index) => skimmedMix(mix, index + 1))
  const gateways = [skimmedGateway(topology.gateway)]
  const data = { 'entry-gateways': gateways, mixnodes: mixes, all: [...mixes, ...gateways] }[which]
  return {
    metadata: {
      status: null,
      absolute_epoch_id: EPOCH_ID,
      rotation_id: ROTATION_ID,
      refreshed_at: topology.epochStart.toISOString(),
    },
    nodes: { pagination: { total: data.length, page: 0, size: data.length }, data },
  }
}

const skimmedMix = (mix: NodeDescription, layer: number) => ({
  ...skimmed(mix),
  role: { Mixnode: { layer } },
  supported_roles: { mixnode: true, entry: false, exit_nr: false, exit_ipr: false },
  entry: null,
})

/** A gateway that could also be a mix is not offered to clients: `supported_roles.mixnode` is false. */
const skimmedGateway = (gateway: Topology['gateway']) => ({
  ...skimmed(gateway),
  role: 'EntryGateway',
  supported_roles: { mixnode: false, entry: true, exit_nr: false, exit_ipr: false },
  entry: { hostname: gateway.hostname, ws_port: gateway.websocketPort, wss_port: null },
})

const skimmed = (node: NodeDescription) => ({
  node_id: node.nodeId,
  ed25519_identity_pubkey: node.identityKey,
  ip_addresses: [node.ip],
  mix_port: node.mixPort,
  x25519_sphinx_pubkey: node.sphinxKey,
  performance: '1',
})
