import { startCosmosUnderTest } from '../support/cosmosAdapter.ts'
import { cosmosOrSkip } from '../support/devnetCosmos.ts'
import { describeChainAdapterContract } from './chainAdapter.ts'

cosmosOrSkip('cosmos', () => {
  describeChainAdapterContract('cosmos, at a chain of the SDK', startCosmosUnderTest)
})
