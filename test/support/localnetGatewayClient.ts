import {
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { gcmsiv } from '@noble/ciphers/aes.js'
import { blake3 } from '@noble/hashes/blake3.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { base58 } from '@scure/base'
import { WebSocket } from 'ws'

/**
 * A client of the gateway protocol made of nothing but keys and a socket: it shows byte for byte what the gateway says,
 * and can break the rules.
 */
export function createGatewayClient(gatewayUrl: string) {
  const identity = generateKeyPairSync('ed25519')
  const identityKey = rawPublicKey(identity.publicKey)
  let sharedKey = new Uint8Array()

  return {
    clientId: base58.encode(identityKey),
    connect: () => openSocket(gatewayUrl),

    /** The four messages of a registration; true when the gateway says so. */
    async register(socket: Conversation): Promise<boolean> {
      const ephemeral = generateKeyPairSync('x25519')
      const share = rawPublicKey(ephemeral.publicKey)
      const salt = randomBytes(16)
      socket.say({ type: 'handshakePayload', protocol_version: 5, data: [...identityKey, ...share, ...salt] })

      const answer = Uint8Array.from((await socket.hear()).data as number[])
      const gatewayShare = answer.slice(0, 32)
      const agreed = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: x25519Key(gatewayShare) })
      sharedKey = hkdf(blake3, Uint8Array.from(agreed), Uint8Array.from(salt), undefined, 32)

      const nonce = Uint8Array.from(randomBytes(12))
      const signature = sign(null, Buffer.concat([share, gatewayShare]), identity.privateKey)
      const material = [...gcmsiv(sharedKey, nonce).encrypt(Uint8Array.from(signature)), ...nonce]
      socket.say({ type: 'handshakePayload', protocol_version: 5, data: material })
      await socket.hear()
      return (await socket.hear()).status === true
    },

    /** A later socket. Forged, it does not know the shared key. */
    async authenticate(socket: Conversation, forged = false): Promise<boolean> {
      const nonce = Uint8Array.from(randomBytes(12))
      const key = forged ? Uint8Array.from(randomBytes(32)) : sharedKey
      const addressCiphertext = gcmsiv(key, nonce).encrypt(identityKey)
      const timestamp = Math.floor(Date.now() / 1000)
      const timestampBytes = Buffer.alloc(8)
      timestampBytes.writeBigUInt64BE(BigInt(timestamp))
      const signed = Buffer.concat([Uint8Array.of(5), identityKey, addressCiphertext, nonce, timestampBytes])
      socket.say({
        type: 'authenticateV2',
        protocolVersion: 5,
        clientIdentity: [...identityKey],
        addressCiphertext: Buffer.from(addressCiphertext).toString('base64'),
        nonce: Buffer.from(nonce).toString('base64'),
        requestUnixTimestamp: timestamp,
        requestSignature: [...sign(null, signed, identity.privateKey)],
      })
      return (await socket.hear()).status === true
    },

    /** An authentic binary frame around anything. */
    seal(kind: number, plaintext: Uint8Array): Uint8Array {
      const nonce = Uint8Array.from(randomBytes(12))
      const ciphertext = gcmsiv(sharedKey, nonce).encrypt(Uint8Array.from(plaintext))
      return Buffer.concat([Uint8Array.of(kind, 1), nonce, ciphertext])
    },

    /** Opens a pushed binary frame. */
    open(frame: Uint8Array): Uint8Array {
      return gcmsiv(sharedKey, Uint8Array.from(frame.subarray(2, 14))).decrypt(
        Uint8Array.from(frame.subarray(14)),
      )
    },
  }
}

export type Conversation = Awaited<ReturnType<typeof openSocket>>

/** A websocket that can be read one frame at a time. */
export async function openSocket(url: string) {
  const socket = new WebSocket(url)
  const frames: (Buffer | string)[] = []
  let wake = () => {}
  socket.on('message', (data: Buffer, isBinary) => {
    frames.push(isBinary ? data : data.toString())
    wake()
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => {
      wake()
      resolve({ code, reason: reason.toString() })
    })
  })
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve)
    socket.on('error', reject)
  })

  async function next<T extends Buffer | string>(
    isWanted: (frame: Buffer | string) => frame is T,
  ): Promise<T> {
    for (;;) {
      const index = frames.findIndex(isWanted)
      if (index >= 0) return frames.splice(index, 1)[0] as T
      if (socket.readyState !== socket.OPEN) throw new Error('the socket was closed')
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }

  return {
    say: (frame: object | string | Uint8Array) =>
      socket.send(typeof frame === 'string' || frame instanceof Uint8Array ? frame : JSON.stringify(frame)),
    hear: async () => JSON.parse(await next((frame) => typeof frame === 'string')) as Record<string, unknown>,
    hearBinary: () => next((frame): frame is Buffer => typeof frame !== 'string'),
    closed,
    close: () => socket.terminate(),
  }
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return Uint8Array.from(Buffer.from(key.export({ format: 'jwk' }).x as string, 'base64url'))
}

function x25519Key(raw: Uint8Array): KeyObject {
  const x = Buffer.from(raw).toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' })
}
