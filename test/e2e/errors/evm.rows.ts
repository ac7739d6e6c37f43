import type { VeilcastClient } from '@veilcast/client'
import type { Anvil } from '@veilcast/devnet'
import { bytesToHex, hexToBytes, sidecarsToVersionedHashes, toBlobs } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { signEthTransfer } from '../../support/devnetSign.ts'
import type { ErrorRow, ErrorScene } from './errorRow.ts'

/** A broadcaster of one EVM chain, which takes blobs. */
export interface EvmScene extends ErrorScene {
  readonly anvil: Anvil
  readonly client: VeilcastClient
  /** Submits, and remembers the bytes. */
  submit(signedTx: `0x${string}` | Uint8Array, more?: { chain?: string; notAfter?: number }): Promise<unknown>
}

/** The same node without blobs, under the name of another chain: what is read of a transaction needs no node. */
export const blobless = 'eip155:31338'

const chainId = 31337
const gas = 21_000n
const fees = { maxFeePerGas: 3_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n }
const to = `0x${'22'.repeat(20)}` as const
/** Has nothing. */
export const poor = privateKeyToAccount(`0x${'17'.repeat(32)}`)

/** KZG commitment of the blob that holds 0xdeadbeef, under the mainnet's trusted setup. */
const commitment =
  '0xb3d3f2a683d9cd83a03f1727d0fc21970157d5de4ba4afb0f86436ccd117768b2c1340ffe83533dbdfb060e8fb94e8a3' as const

const accountOf = ({ anvil }: EvmScene, index: number): PrivateKeyAccount =>
  privateKeyToAccount(anvil.accounts[index]!.privateKey)

async function nextNonce({ anvil }: EvmScene, address: string): Promise<number> {
  return Number(await anvil.rpc<string>('eth_getTransactionCount', [address, 'pending']))
}

/** A transfer of account 0, with anything replaced that is given, as it is signed. */
async function signed(scene: EvmScene, fields: object = {}): Promise<`0x${string}`> {
  const account = accountOf(scene, 0)
  const nonce = await nextNonce(scene, account.address)
  return account.signTransaction({
    type: 'eip1559',
    chainId,
    nonce,
    to,
    value: 1n,
    gas,
    ...fees,
    ...fields,
  } as never)
}

async function blobWithoutSidecars(scene: EvmScene): Promise<`0x${string}`> {
  const [blob] = toBlobs({ data: '0xdeadbeef' })
  return signed(scene, {
    type: 'eip4844',
    gas: 100_000n,
    maxFeePerBlobGas: 10_000_000_000n,
    blobVersionedHashes: sidecarsToVersionedHashes({
      sidecars: [{ blob: blob!, commitment, proof: commitment }],
    }),
    sidecars: false,
  })
}

export const poorTransfer = () =>
  poor.signTransaction({ type: 'eip1559', chainId, nonce: 0, to, value: 1n, gas, ...fees })

/** Order of the curve. */
const n = 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_fffe_baae_dce6_af48_a03b_bfd2_5e8c_d036_4141n

/** The same signature with the other s: the last 65 bytes are parity, 0xa0 r, 0xa0 s. */
function withHighS(signedTx: `0x${string}`): Uint8Array {
  const bytes = hexToBytes(signedTx)
  const s = BigInt(bytesToHex(bytes.subarray(-32)))
  bytes.set(hexToBytes(`0x${(n - s).toString(16).padStart(64, '0')}`), bytes.length - 32)
  const parityAt = bytes.length - 67
  bytes[parityAt] = bytes[parityAt] === 0x80 ? 1 : 0x80
  return bytes
}

/** Signed again and again until r and s have 32 bytes each. */
async function fullSignature(scene: EvmScene): Promise<`0x${string}`> {
  for (let value = 1n; ; value++) {
    const signedTx = await signed(scene, { value })
    const tail = hexToBytes(signedTx).subarray(-66)
    if (tail[0] === 0xa0 && tail[33] === 0xa0) return signedTx
  }
}

const read = (method: string, params: readonly unknown[]) => (scene: EvmScene) =>
  scene.client.read({ chain: scene.anvil.chainId, method, params })

const nonCanonical = {
  error: 'nonCanonicalTransaction',
  outcome: 'notSent',
  retry: 'never',
  text: 'The transaction is not in its canonical encoding (trailing bytes, long integers or a high s).',
} as const

/** A contract that reverts: REVERT(0, 0). */
export const reverting = { at: `0x${'33'.repeat(20)}`, code: '0x5f5ffd' } as const
/** More code than a read may give. */
export const large = { at: `0x${'44'.repeat(20)}`, code: `0x${'5b'.repeat(40_000)}` } as const

export const evmRows: readonly ErrorRow<EvmScene>[] = [
  {
    input: 'an encoding of another kind',
    error: 'malformedTransaction',
    outcome: 'notSent',
    retry: 'never',
    text: 'The bytes are no signed transaction of this chain family.',
    // A type that the wallet does not know is the broadcaster's to judge, and so is a tip above the fee.
    provoke: async (scene) => {
      const fine = hexToBytes(await signed(scene, { maxFeePerGas: 3n, maxPriorityFeePerGas: 2n }))
      const at = fine.findIndex((byte, index) => index > 4 && byte === 2 && fine[index + 1] === 3)
      fine[at] = 4
      return scene.submit(fine)
    },
  },
  {
    input: 'a high s',
    ...nonCanonical,
    provoke: async (scene) => scene.submit(withHighS(await fullSignature(scene))),
  },
  {
    input: 'an integer with a zero in front',
    ...nonCanonical,
    // The priority fee 3 b9 ac a0 0x: five bytes where four would do.
    provoke: async (scene) => {
      const bytes = hexToBytes(
        await signed(scene, { maxPriorityFeePerGas: 0x77aabbccddn, maxFeePerGas: 0x77aabbccddn }),
      )
      const at = bytes.findIndex((byte, index) => byte === 0x77 && bytes[index + 1] === 0xaa)
      bytes[at] = 0
      return scene.submit(bytes)
    },
  },
  {
    input: 'another chain id',
    error: 'wrongChainId',
    outcome: 'notSent',
    retry: 'never',
    values: { expected: 31337n, got: 5n },
    text: 'The transaction is signed for chain 5, not 31337.',
    provoke: async (scene) => scene.submit(await signed(scene, { chainId: 5 })),
  },
  {
    input: 'a signature whose r is above the order of the curve',
    error: 'invalidSignature',
    outcome: 'notSent',
    retry: 'never',
    text: 'The signature is not valid.',
    provoke: async (scene) => {
      const bytes = hexToBytes(await fullSignature(scene))
      return scene.submit(bytes.fill(0xff, bytes.length - 65, bytes.length - 33))
    },
  },
  {
    input: 'a legacy transaction without a chain id',
    error: 'unprotectedTransaction',
    outcome: 'notSent',
    retry: 'never',
    text: 'The transaction names no chain id (before EIP-155): it could be replayed elsewhere.',
    provoke: async (scene) =>
      scene.submit(
        await signed(scene, {
          type: 'legacy',
          chainId: undefined,
          gasPrice: 3_000_000_000n,
          maxFeePerGas: undefined,
          maxPriorityFeePerGas: undefined,
        }),
      ),
  },
  {
    input: 'a type that one chain invented',
    error: 'unsupportedTransactionType',
    outcome: 'notSent',
    retry: 'otherBroadcaster',
    values: { type: 0x7bn },
    text: 'The broadcaster takes no transactions of type 123.',
    provoke: async (scene) => scene.submit(hexToBytes(await signed(scene)).fill(0x7b, 0, 1)),
  },
  {
    input: 'a blob where none are taken',
    error: 'unsupportedTransactionType',
    outcome: 'notSent',
    retry: 'otherBroadcaster',
    values: { type: 3n },
    text: 'The broadcaster takes no transactions of type 3.',
    provoke: async (scene) => scene.submit(await blobWithoutSidecars(scene), { chain: blobless }),
  },
  {
    input: 'a blob transaction without its sidecars',
    error: 'blobSidecarMissing',
    outcome: 'notSent',
    retry: 'never',
    text: 'A blob transaction is submitted with its sidecar.',
    provoke: async (scene) => scene.submit(await blobWithoutSidecars(scene)),
  },
  {
    input: '140 000 bytes where blobs are not taken',
    error: 'transactionTooLarge',
    outcome: 'notSent',
    retry: 'otherBroadcaster',
    values: { limitBytes: 131_072n, sizeBytes: 140_116n },
    text: 'The transaction has 140116 bytes; the broadcaster takes 131072 on this chain.',
    provoke: async (scene) =>
      scene.submit(await signed(scene, { data: `0x${'00'.repeat(140_000)}`, nonce: 1, value: 0n }), {
        chain: blobless,
      }),
  },
  {
    input: 'an account without funds',
    error: 'insufficientFunds',
    outcome: 'notSent',
    retry: 'later',
    text: 'The account cannot pay for value and gas.',
    provoke: async (scene) => scene.submit(await poorTransfer()),
  },
  {
    input: 'a fee far under the base fee',
    error: 'feeTooLow',
    outcome: 'notSent',
    retry: 'later',
    values: { requiredWei: 'any', offeredWei: 1_000n },
    text: /^The fee of 1000 wei per gas, or per blob gas, lies under the base fee of \d+\.$/,
    provoke: async (scene) =>
      scene.submit(await signed(scene, { maxFeePerGas: 1_000n, maxPriorityFeePerGas: 1_000n })),
  },
  {
    input: 'more gas than a block has',
    error: 'gasLimitTooHigh',
    outcome: 'notSent',
    retry: 'never',
    values: { limit: 30_000_000n, got: 30_000_001n },
    text: 'The gas limit of 30000001 is above the 30000000 of a block.',
    provoke: async (scene) => scene.submit(await signed(scene, { gas: 30_000_001n })),
  },
  {
    input: 'less gas than a transfer takes',
    error: 'gasLimitTooLow',
    outcome: 'notSent',
    retry: 'never',
    values: { required: 21_000n, got: 20_999n },
    text: 'The gas limit of 20999 is below the 21000 that the transaction needs before it runs.',
    provoke: async (scene) => scene.submit(await signed(scene, { gas: 20_999n })),
  },
  {
    input: 'init code over EIP-3860',
    error: 'codeTooLarge',
    outcome: 'notSent',
    retry: 'never',
    values: { limitBytes: 49_152n, sizeBytes: 49_153n },
    text: 'The init code has 49153 bytes; the chain takes 49152.',
    provoke: async (scene) =>
      scene.submit(
        await signed(scene, { to: undefined, data: `0x${'00'.repeat(49_153)}`, gas: 5_000_000n, value: 0n }),
      ),
  },
  {
    input: 'a nonce that another transaction used long ago',
    error: 'nonceUsed',
    outcome: 'notSent',
    retry: 'never',
    values: { expected: 'any', got: 0n },
    text: /^The nonce or sequence 0 is used; the next one is [1-9]\d*\.$/,
    // Account 9 has sent after each row.
    provoke: async (scene) => {
      const send = { from: scene.anvil.accounts[9]!, to, valueWei: 2n, nonce: 0 }
      return scene.submit(await signEthTransfer(scene.anvil, send))
    },
  },
  {
    input: 'a nonce that waits in the pool at a higher fee',
    error: 'replacementUnderpriced',
    outcome: 'unknown',
    retry: 'later',
    text: 'An endpoint holds another transaction with this nonce and a higher fee.',
    handed: true,
    async provoke(scene) {
      const { anvil } = scene
      const nonce = await nextNonce(scene, anvil.accounts[6]!.address)
      const send = { from: anvil.accounts[6]!, to, valueWei: 1n, nonce }
      await anvil.setAutomine(false)
      try {
        const first = await signEthTransfer(anvil, { ...send, maxFeePerGas: 9_000_000_000n })
        await anvil.rpc('eth_sendRawTransaction', [first])
        return await scene.submit(await signEthTransfer(anvil, { ...send, valueWei: 2n }))
      } finally {
        await anvil.setAutomine(true)
        await anvil.mine()
      }
    },
  },
  {
    input: 'a fee above the last base fee and below the next',
    error: 'endpointRejected',
    outcome: 'unknown',
    retry: 'later',
    values: { code: 32_003n },
    label: 'underpriced',
    text: 'An endpoint refused the transaction (code 32003 underpriced); it may have passed it on.',
    handed: true,
    async provoke(scene) {
      const send = { from: scene.anvil.accounts[4]!, to, valueWei: 1n, maxPriorityFeePerGas: 0n }
      await scene.anvil.rpc('anvil_setNextBlockBaseFeePerGas', ['0x59682f00'])
      return scene.submit(await signEthTransfer(scene.anvil, { ...send, maxFeePerGas: 1_400_000_000n }))
    },
  },
  {
    input: 'a notAfter that passes while the endpoint cannot be asked',
    error: 'lapsed',
    outcome: 'notSent',
    retry: 'later',
    values: { notAfter: 'any' },
    text: /^Its notAfter \(\d{10}, seconds since 1970\) passed before it was included\.$/,
    async provoke(scene) {
      const signedTx = await signed(scene)
      scene.endpoint.set({ mode: '500', methods: ['eth_getTransactionCount'] })
      try {
        return await scene.submit(signedTx, { notAfter: Math.floor(Date.now() / 1000) + 3 })
      } finally {
        scene.endpoint.set({ mode: 'pass' })
      }
    },
  },
  {
    input: 'another transaction of this nonce that is mined',
    error: 'replaced',
    outcome: 'onChain',
    retry: 'never',
    values: { height: 'any' },
    text: /^Another transaction with the same number is in block \d+\.$/,
    handed: true,
    async provoke(scene) {
      const { anvil, endpoint } = scene
      const from = anvil.accounts[7]!
      const nonce = await nextNonce(scene, from.address)
      const signedTx = await signEthTransfer(anvil, { from, to, valueWei: 1n, nonce })
      // It may have it, and another one is mined.
      endpoint.set({ mode: 'close', methods: ['eth_sendRawTransaction'] })
      const other = { from, to, valueWei: 2n, nonce }
      const submitting = scene.submit(signedTx)
      submitting.catch(() => {})
      try {
        while (!endpoint.had(hexToBytes(signedTx))) await new Promise((resolve) => setTimeout(resolve, 20))
        await anvil.rpc('eth_sendRawTransaction', [await signEthTransfer(anvil, other)])
      } finally {
        endpoint.set({ mode: 'pass' })
      }
      return submitting
    },
  },
  {
    input: 'a method that submits',
    error: 'methodNotAllowed',
    outcome: 'notSent',
    retry: 'never',
    text: 'The broadcaster does not answer this method.',
    provoke: read('eth_sendRawTransaction', ['0x02']),
  },
  {
    input: 'an address that is too short',
    error: 'invalidParams',
    outcome: 'notSent',
    retry: 'never',
    text: 'The parameters do not fit the method.',
    provoke: read('eth_getBalance', ['0x1234', 'latest']),
  },
  {
    input: 'a call that reverts',
    error: 'callReverted',
    outcome: 'notSent',
    retry: 'never',
    text: 'The contract reverted the call.',
    provoke: read('eth_call', [{ to: reverting.at }, 'latest']),
  },
  {
    input: 'logs of more blocks than are looked through',
    error: 'rangeTooWide',
    outcome: 'notSent',
    retry: 'never',
    values: { blocks: 'any', limitBlocks: 1n },
    text: /^The range has \d+ blocks; the broadcaster looks through 1 at once\.$/,
    async provoke(scene) {
      await scene.anvil.mine(2)
      return read('eth_getLogs', [{ fromBlock: '0x0', toBlock: 'latest' }])(scene)
    },
  },
  {
    input: 'an answer of 80 KB',
    error: 'answerTooLarge',
    outcome: 'notSent',
    retry: 'never',
    values: { sizeBytes: 80_004n, limitBytes: 65_536n },
    text: 'The answer has 80004 bytes; 65536 fit.',
    provoke: read('eth_getCode', [large.at, 'latest']),
  },
]
