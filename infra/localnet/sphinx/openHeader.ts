import { createCipheriv, createHmac, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'
import {
  ALPHA_BYTES,
  BETA_BYTES,
  FIRST_VERSION_WITH_KEY_SEED,
  HEADER_BYTES,
  HEADER_MAC_BYTES,
  HOP_BYTES,
  PAYLOAD_KEY_BYTES,
  PAYLOAD_KEY_INFO,
  PAYLOAD_KEY_SALT,
  ROUTING_KEYS_INFO,
} from './parameters.ts'
import { agree, multiply } from './x25519.ts'

/** What one hop reads in a header. `version` is Sphinx' own: 258 for the legacy format, 259 since. */
export type OpenedHeader =
  | {
      readonly kind: 'forward'
      readonly version: number
      readonly payloadKey: Uint8Array
      /** 32 bytes: an address as parseRoutingAddress reads it. */
      readonly nextAddress: Uint8Array
      readonly delayMs: number
      readonly nextHeader: Uint8Array
    }
  | {
      readonly kind: 'final'
      readonly version: number
      readonly payloadKey: Uint8Array
      /** The recipient's ed25519 identity key, 32 bytes. */
      readonly destination: Uint8Array
    }

export class UnreadablePacketError extends Error {
  override name = 'UnreadablePacketError'
}

const FORWARD = 1
const FINAL = 2
const ZERO_IV = Buffer.alloc(16)
const HOP_ZEROS = Buffer.alloc(HOP_BYTES)
const STREAM_BYTES = BETA_BYTES + HOP_BYTES

/**
 * Opens one layer of a Sphinx header with the hop's own X25519 key.
 * Throws UnreadablePacketError when it was not made for this key, or was changed on the way.
 */
export function openHeader(header: Uint8Array, privateKey: KeyObject): OpenedHeader {
  if (header.length !== HEADER_BYTES) throw new UnreadablePacketError('header of a wrong length')
  const alpha = header.subarray(0, ALPHA_BYTES)
  const mac = header.subarray(ALPHA_BYTES, ALPHA_BYTES + HEADER_MAC_BYTES)
  const beta = header.subarray(ALPHA_BYTES + HEADER_MAC_BYTES)

  const keys = routingKeys(sharedSecret(privateKey, alpha))
  const expectedMac = createHmac('sha256', keys.mac).update(beta).digest().subarray(0, HEADER_MAC_BYTES)
  if (!timingSafeEqual(expectedMac, mac)) throw new UnreadablePacketError('header mac does not match')

  const routing = createCipheriv('aes-128-ctr', keys.stream, ZERO_IV).update(Buffer.concat([beta, HOP_ZEROS]))
  if (routing.length !== STREAM_BYTES)
    throw new UnreadablePacketError('routing information of a wrong length')

  const version = routing.readUIntBE(1, 3)
  const payloadKey = version >= FIRST_VERSION_WITH_KEY_SEED ? expandPayloadKey(keys.payload) : keys.payload

  switch (routing[0]) {
    case FORWARD:
      return {
        kind: 'forward',
        version,
        payloadKey,
        nextAddress: routing.subarray(4, 36),
        delayMs: Number(routing.readBigUInt64BE(36)) / 1e6,
        nextHeader: Buffer.concat([multiply(keys.blinding, alpha), routing.subarray(44)]),
      }
    case FINAL:
      return { kind: 'final', version, payloadKey, destination: routing.subarray(4, 36) }
    default:
      throw new UnreadablePacketError('unknown routing flag')
  }
}

function sharedSecret(privateKey: KeyObject, alpha: Uint8Array): Uint8Array {
  try {
    return agree(privateKey, alpha)
  } catch (cause) {
    throw new UnreadablePacketError('alpha is not a usable point', { cause })
  }
}

function routingKeys(secret: Uint8Array) {
  const okm = Buffer.from(hkdfSync('sha256', secret, '', ROUTING_KEYS_INFO, 288))
  return {
    stream: okm.subarray(0, 16),
    mac: okm.subarray(16, 32),
    payload: okm.subarray(32, 224),
    blinding: okm.subarray(224, 256),
  }
}

function expandPayloadKey(payload: Uint8Array): Uint8Array {
  const seed = payload.subarray(0, 16)
  return new Uint8Array(hkdfSync('sha256', seed, PAYLOAD_KEY_SALT, PAYLOAD_KEY_INFO, PAYLOAD_KEY_BYTES))
}
