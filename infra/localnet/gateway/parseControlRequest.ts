/** What a client may ask in a text frame. */
export type ControlRequest =
  | { readonly type: 'supportedProtocol' }
  | { readonly type: 'handshakePayload'; readonly data: Uint8Array }
  | { readonly type: 'authenticateV2'; readonly authentication: Authentication }
  | { readonly type: 'claimFreeTestnetBandwidth' }
  /** Well formed, but nothing that a local gateway does. */
  | { readonly type: 'other' }

export type Authentication = {
  readonly protocolVersion: number
  readonly identityKey: Uint8Array
  readonly addressCiphertext: Uint8Array
  readonly nonce: Uint8Array
  readonly requestUnixTimestamp: bigint
  readonly signature: Uint8Array
}

const MAX_ARRAY_BYTES = 512

/** Undefined when the text is not a request at all. */
export function parseControlRequest(text: string): ControlRequest | undefined {
  const json = parseObject(text)
  switch (json?.type) {
    case 'supportedProtocol':
    case 'claimFreeTestnetBandwidth':
      return { type: json.type }
    case 'handshakePayload':
    case 'registerHandshakeInitRequest': {
      const data = bytes(json.data)
      return data && { type: 'handshakePayload', data }
    }
    case 'authenticateV2': {
      const authentication = parseAuthentication(json)
      return authentication && { type: 'authenticateV2', authentication }
    }
    default:
      return typeof json?.type === 'string' ? { type: 'other' } : undefined
  }
}

function parseAuthentication(json: Record<string, unknown>): Authentication | undefined {
  const { protocolVersion, requestUnixTimestamp } = json
  const identityKey = bytes(json.clientIdentity, 32)
  const signature = bytes(json.requestSignature, 64)
  const addressCiphertext = base64(json.addressCiphertext)
  const nonce = base64(json.nonce)
  if (!isByte(protocolVersion) || !Number.isSafeInteger(requestUnixTimestamp)) return undefined
  if (!identityKey || !signature || !addressCiphertext || nonce?.length !== 12) return undefined
  if ((requestUnixTimestamp as number) < 0) return undefined
  return {
    protocolVersion,
    identityKey,
    addressCiphertext,
    nonce,
    requestUnixTimestamp: BigInt(requestUnixTimestamp as number),
    signature,
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

const isByte = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255

function bytes(value: unknown, length?: number): Uint8Array | undefined {
  if (!Array.isArray(value) || value.length > MAX_ARRAY_BYTES || !value.every(isByte)) return undefined
  return length === undefined || value.length === length ? Uint8Array.from(value) : undefined
}

function base64(value: unknown): Uint8Array | undefined {
  return typeof value === 'string' && value.length <= MAX_ARRAY_BYTES
    ? Buffer.from(value, 'base64')
    : undefined
}
