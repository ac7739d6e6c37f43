import { expect, it } from '@jest/globals'
import * as protocol from '@veilcast/shared/protocol'

it('exports exactly these names', () => {
  expect(Object.keys(protocol).sort()).toEqual([
    'ProtocolError',
    'decodeReply',
    'decodeRequest',
    'encodeReply',
    'encodeRequest',
    'isChainId',
    'maxChainIdBytes',
    'maxChainsInInfo',
    'maxCodespaceBytes',
    'maxErrorValues',
    'maxMessageBytes',
    'maxMethodBytes',
    'maxNotAfterSeconds',
    'maxReadParamsBytes',
    'maxReadResultBytes',
    'maxRevertDataBytes',
    'maxTransactionBytes',
    'newRequestId',
    'parseChainId',
    'protocolVersion',
    'toRequestId',
    'toTxId',
    'txState',
    'untilWords',
  ])
})
