import { z } from 'zod'
import { type CallOptions, createRpcCaller, type RpcCaller } from '../endpoints/createRpcCaller.ts'
import type { CosmosEndpointConfig } from '../endpoints/EndpointConfig.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { createRestNode, type RestNode } from './restNode.ts'

/** One CometBFT node. */
export interface CometNode {
  /**
   * One JSON-RPC call, sent once; of the answer what `answer` names.
   * @throws EndpointProblem, AbortError
   */
  call<T>(method: string, params: object, answer: z.ZodType<T>, options: CallOptions): Promise<T>
  /** The same as it came. */
  readonly raw: RpcCaller
  /** Its REST API, where it has one. */
  readonly rest: RestNode | undefined
}

export function createCometNode(
  endpoint: CosmosEndpointConfig,
  cometChainId: string,
  requestTimeoutMs: number,
): CometNode {
  const raw = createRpcCaller(endpoint, requestTimeoutMs)
  return {
    raw,
    rest:
      endpoint.restUrl === undefined
        ? undefined
        : createRestNode(endpoint.restUrl, endpoint.headers, cometChainId),
    async call(method, params, answer, options) {
      const parsed = answer.safeParse(await raw.call(method, params, options))
      if (!parsed.success) throw new EndpointProblem('unreachable', `Unreadable answer to ${method}.`)
      return parsed.data
    },
  }
}

// CometBFT 0.37, 0.38 and 1.0 write these alike: 64-bit integers in decimal, hashes in hex, transactions in base64, and
// what is zero may be missing or null. They differ in events and validators, which nothing here depends on.

/** A 64-bit integer in decimal. What is below zero counts as zero. */
export const int64 = z
  .string()
  .regex(/^-?\d{1,19}$/)
  .transform((text) => (text.startsWith('-') ? 0n : BigInt(text)))

/** 32 bytes in hex, given back in lower case. */
export const hash32 = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/)
  .transform((text) => text.toLowerCase())

export const base64 = z
  .string()
  .regex(/^[A-Za-z0-9+/]*={0,2}$/)
  .transform((text): Uint8Array => Buffer.from(text, 'base64'))

/** RFC 3339 with nanoseconds, given back in milliseconds since 1970. */
export const timeMs = z
  .string()
  .max(64)
  .transform((text) => Date.parse(text))
  .pipe(z.int().min(0))

/** A number of the application; 0 is success. */
export const code = z
  .int()
  .min(0)
  .max(0xffff_ffff)
  .nullish()
  .transform((value) => value ?? 0)

/** The application's module that gave the code. */
export const codespace = z
  .string()
  .nullish()
  .transform((text) => (text ?? '').replace(/[^\x21-\x7e]/g, '').slice(0, maxCodespaceChars))

const maxCodespaceChars = 32
