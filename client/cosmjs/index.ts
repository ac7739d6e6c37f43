export type { RestAnswer, RestRequest } from '../cosmos/answerRest.ts'
export { CometRpcError } from '../cosmos/CometRpcError.ts'
export {
  type CosmosCallOptions,
  type CosmosNode,
  type CosmosNodeOptions,
  createCosmosNode,
} from '../cosmos/createCosmosNode.ts'
export { createRpcClient, type VeilcastRpcClient } from './createRpcClient.ts'
