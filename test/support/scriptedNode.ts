import type { Progress, ReadParameters, Receipt, SubmitParameters, VeilcastClient } from '@veilcast/client'
import { parseTransaction } from 'viem'

export interface ScriptedNode {
  /** As much of a Veilcast client as an EVM node asks. */
  readonly client: Pick<VeilcastClient, 'read' | 'submit'> & {
    head(chain: string): { height: bigint; freshUntilMs: number } | undefined
  }
  readonly asked: ReadParameters[]
  readonly sent: (SubmitParameters & {
    readonly tell: (stage: Progress['stage']) => void
    end(error?: unknown): void
  })[]
  /** Of what was sent, in order. */
  nonces(): Promise<number[]>
}

const answers: Readonly<Record<string, unknown>> = {
  eth_getTransactionCount: '0x7',
  eth_estimateGas: '0x5208',
  eth_feeHistory: { baseFeePerGas: ['0x3b9aca00', '0x3b9aca00'] },
  eth_maxPriorityFeePerGas: '0x5f5e100',
  eth_gasPrice: '0x4a817c800',
  eth_blockNumber: '0xa',
}

/** A client whose chain answers by heart, and whose transactions are at an endpoint at once, and go on as the test says. */
export function scriptedNode(
  options: { readonly answer?: (asked: ReadParameters) => unknown; readonly freshMs?: number } = {},
): ScriptedNode {
  const asked: ReadParameters[] = []
  const sent: ScriptedNode['sent'] = []
  return {
    asked,
    sent,
    nonces: async () => sent.map(({ signedTx }) => parseTransaction(toHex(signedTx)).nonce!),
    client: {
      async read(parameters) {
        asked.push(parameters)
        return options.answer ? options.answer(parameters) : answers[parameters.method]
      },
      submit(parameters, { onProgress } = {}) {
        return new Promise<Receipt>((resolve, reject) => {
          const tell = (stage: Progress['stage']) => onProgress?.({ stage, state: undefined } as never)
          sent.push({
            ...parameters,
            signedTx: toHex(parameters.signedTx),
            tell,
            end: (error) =>
              error === undefined
                ? resolve({
                    state: { stage: 'included', inclusion: { family: 'evm', height: 12n } },
                  } as Receipt)
                : reject(error),
          })
          queueMicrotask(() => tell('submitted'))
        })
      },
      head: () => ({ height: 10n, freshUntilMs: performance.now() + (options.freshMs ?? 1_000) }),
    },
  }
}

function toHex(bytes: Uint8Array | string): `0x${string}` {
  return typeof bytes === 'string' ? (bytes as `0x${string}`) : `0x${Buffer.from(bytes).toString('hex')}`
}
