import { EPOCH_ID, type Topology } from './topology.ts'

/** Answers `/v1/nym-nodes/rewarded-set`: which node has which role in this epoch. */
export function rewardedSet({ gateway, mixes }: Topology) {
  const [layer1, layer2, layer3] = mixes
  return {
    epoch_id: EPOCH_ID,
    entry_gateways: [gateway.nodeId],
    exit_gateways: [],
    layer1: [layer1.nodeId],
    layer2: [layer2.nodeId],
    layer3: [layer3.nodeId],
    standby: [],
  }
}
