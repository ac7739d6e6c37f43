import { expect, it } from '@jest/globals'
import * as protocol from '@veilcast/shared/protocol'

it('exports exactly these names', () => {
  expect(Object.keys(protocol).sort()).toEqual([
    'ProtocolError',
    'decodeReadAnswers',
    'decodeReply',
    'decodeRequest',
    'encodeReadAnswers',
    'encodeReply',
    'encodeRequest',
    'isChainId',
    'maxCallRevertBytes',
    'maxChainIdBytes',
    'maxChainsInInfo',
    'maxCodespaceBytes',
    'maxErrorValues',
    'maxMessageBytes',
    'maxMethodBytes',
    'maxNotAfterSeconds',
    'maxReadParamsBytes',
    'maxReadResultBytes',
    'maxReadsPerMessage',
    'maxRevertDataBytes',
    'maxTransactionBytes',
    'newRequestId',
    'parseChainId',
    'protocolVersion',
    'resultsHeaderBytes',
    'toRequestId',
    'toTxId',
    'txState',
    'untilWords',
  ])
})
