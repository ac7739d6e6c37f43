import { describe, expect, it } from '@jest/globals'
import { cosmosChainConfig, cosmosChainOf } from '../../../../broadcaster/dist/chains/cosmos/config.js'

const endpoints = [{ id: 'own', url: 'http://127.0.0.1:26657' }]

describe('cosmosChainConfig', () => {
  it('default: the reference is the chain id', () => {
    const config = cosmosChainConfig.parse({ chain: 'cosmos:cosmoshub-4', bech32Prefix: 'cosmos', endpoints })
    expect(config).toMatchObject({
      cometChainId: 'cosmoshub-4',
      maxTransactionBytes: 65_536,
      endpoints: [{ operator: 'own' }],
    })
  })

  it('behavior: a chain id that does not fit is hashed, as in CAIP-5, and has to be given', () => {
    // The test cases of CAIP-5.
    expect(cosmosChainOf('x')).toBe('cosmos:x')
    expect(cosmosChainOf('hash-')).toBe('cosmos:hash-')
    expect(cosmosChainOf('hashed')).toBe('cosmos:hashed')
    expect(cosmosChainOf('hashed-')).toBe('cosmos:hashed-c904589232422def')
    expect(cosmosChainOf('hashed-123')).toBe('cosmos:hashed-99df5cd68192b33e')
    expect(cosmosChainOf('123456789012345678901234567890123456789012345678')).toBe(
      'cosmos:hashed-0204c92a0388779d',
    )
    expect(cosmosChainOf(' ')).toBe('cosmos:hashed-36a9e7f1c95b82ff')
    expect(cosmosChainOf('wonderland🧝‍♂️')).toBe('cosmos:hashed-843d2fc87f40eeb9')

    const hashed = { chain: 'cosmos:hashed-36a9e7f1c95b82ff', bech32Prefix: 'cosmos', endpoints }
    expect(cosmosChainConfig.safeParse(hashed).success).toBe(false)
    expect(cosmosChainConfig.parse({ ...hashed, cometChainId: ' ' }).cometChainId).toBe(' ')
    expect(cosmosChainConfig.safeParse({ ...hashed, cometChainId: 'another' }).success).toBe(false)
  })
})
