import type { WebSocket } from 'ws'
import type { ClientId, PacketTrace } from '../counters/createTallies.ts'
import type { RoutingAddress } from '../sphinx/routingAddress.ts'
import { FORWARD_WITH_ROTATION, openUpload } from './binaryFrame.ts'
import type { Clients, GatewayClient } from './createClients.ts'
import type { Ed25519KeyPair } from './ed25519.ts'
import { type Authentication, parseControlRequest } from './parseControlRequest.ts'
import { parseMixPacket } from './parseMixPacket.ts'
import { answerRegistration, type RegistrationHandshake } from './registrationHandshake.ts'
import { verifyAuthentication } from './verifyAuthentication.ts'

/** The newest version that the 1.4.1 clients take: they refuse 6. */
const PROTOCOL_VERSION = 5
const BANDWIDTH_BYTES = 1_000_000_000_000
const POLICY_VIOLATION = 1008
const TRY_AGAIN_LATER = 1013

export type SocketContext = {
  readonly keys: Ed25519KeyPair
  readonly clients: Clients
  readonly clientIdOf: (identityKey: Uint8Array) => ClientId
  readonly upload: (uploader: ClientId, bytes: number) => PacketTrace
  readonly forward: (address: RoutingAddress, packet: Uint8Array, trace: PacketTrace) => void
  readonly connected: (client: ClientId) => void
  readonly disconnected: (client: ClientId) => void
  readonly maxHandshakeMs: number
}

/** One client's socket, from its first frame to its end. Whatever is not Nym's gateway protocol closes it. */
export function serveSocket(socket: WebSocket, context: SocketContext): void {
  const { keys, clients, clientIdOf } = context
  let handshake: RegistrationHandshake | undefined
  let client: GatewayClient | undefined

  const answer = (response: object) => socket.send(JSON.stringify(response))
  const refuse = (reason: string, code = POLICY_VIOLATION) => socket.close(code, reason)
  const deadline = setTimeout(() => refuse('handshake took too long'), context.maxHandshakeMs)

  // Frames that were already received are still handed over after close().
  socket.on('message', (data: Buffer, isBinary) => {
    if (socket.readyState !== socket.OPEN) return
    if (isBinary) takePacket(data)
    else takeRequest(data.toString())
  })
  // A broken frame closes the socket by itself, with ws' own code.
  socket.on('error', () => {})
  socket.on('close', () => {
    clearTimeout(deadline)
    if (client === undefined || client.socket !== socket) return
    client.socket = undefined
    context.disconnected(client.id)
  })

  function takePacket(frame: Uint8Array) {
    if (client === undefined) return refuse('a packet before the handshake')
    const upload = openUpload(client.sharedKey, frame)
    if (upload === undefined) return refuse('a frame that is not sealed with the shared key')
    const parsed = upload.kind === FORWARD_WITH_ROTATION ? parseMixPacket(upload.plaintext) : undefined
    if (parsed === undefined) return refuse('not a regular Sphinx packet')
    const trace = context.upload(client.id, frame.length)
    answer({ type: 'send', remaining_bandwidth: BANDWIDTH_BYTES })
    context.forward(parsed.firstHop, parsed.packet, trace)
  }

  function takeRequest(text: string) {
    const request = parseControlRequest(text)
    switch (request?.type) {
      case 'supportedProtocol':
        return answer({ type: 'supportedProtocol', version: PROTOCOL_VERSION })
      case 'handshakePayload':
        return handshake === undefined ? beginRegistration(request.data) : completeRegistration(request.data)
      case 'authenticateV2':
        return authenticate(request.authentication)
      case 'claimFreeTestnetBandwidth':
        return answer({ type: 'bandwidth', available_total: BANDWIDTH_BYTES })
      case 'other':
        return answer({ type: 'error', message: 'a local gateway does not do that' })
      default:
        return refuse('not a gateway request')
    }
  }

  function beginRegistration(init: Uint8Array) {
    handshake = answerRegistration(init, keys)
    if (handshake === undefined) return refuse('malformed handshake')
    answerHandshake(handshake.response)
  }

  function completeRegistration(material: Uint8Array) {
    const proven = handshake?.complete(material)
    handshake = undefined
    if (proven === undefined) return refuse('handshake does not prove the identity key')
    const registered = clients.register(clientIdOf(proven.identityKey), proven.sharedKey)
    if (registered === undefined) return refuse('the gateway has no room for another client', TRY_AGAIN_LATER)
    answerHandshake(Uint8Array.of(1))
    answer({ type: 'register', protocol_version: PROTOCOL_VERSION, status: true })
    admit(registered)
  }

  function authenticate(asked: Authentication) {
    const known = clients.get(clientIdOf(asked.identityKey))
    if (known === undefined || !verifyAuthentication(asked, known.sharedKey)) {
      return refuse('authentication failed')
    }
    answer({
      type: 'authenticate',
      protocol_version: PROTOCOL_VERSION,
      status: true,
      bandwidth_remaining: BANDWIDTH_BYTES,
    })
    admit(known)
  }

  function admit(known: GatewayClient) {
    clearTimeout(deadline)
    client = known
    clients.attach(known, socket)
    context.connected(known.id)
  }

  function answerHandshake(data: Uint8Array) {
    answer({ type: 'handshakePayload', protocol_version: PROTOCOL_VERSION, data: [...data] })
  }
}
