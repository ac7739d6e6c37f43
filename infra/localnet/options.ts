import { isIP } from 'node:net'
import type { HopName } from './counters/createTallies.ts'

export type LocalnetOptions = {
  /** Where both servers listen. Default `127.0.0.1`. */
  readonly host?: string
  /** A local network has no access control: another host than loopback is refused without this. Default false. */
  readonly allowNonLoopback?: boolean
  /** The host name that clients are told to find the gateway at. Default: `host`, or 127.0.0.1 for a wildcard host. */
  readonly advertisedHost?: string
  /** Port of nym-api. Default 0: a free one. */
  readonly apiPort?: number
  /** Port of the gateway's websocket. Default 0: a free one. */
  readonly gatewayPort?: number
  /**
   * Makes the keys of all nodes and the faults repeatable: the n-th packet that arrives at a hop is lost, or not, in
   * every run alike. An integer. Default: drawn at random.
   */
  readonly seed?: number
  /** The probability, 0 to 1, that each of the four hops (three mixes, gateway) loses a packet. Default 0. */
  readonly lossPerHop?: number
  readonly limits?: Partial<LocalnetLimits>
  readonly onEvent?: (event: LocalnetEvent) => void
}

/** Every bound of the network, with its default. */
export type LocalnetLimits = {
  /** Clients that may register: 10,000. */
  readonly maxClients: number
  /** Open sockets of the gateway, and connections of nym-api: 1,000 each. */
  readonly maxSockets: number
  /** A larger websocket frame closes its socket: 65,536. */
  readonly maxFrameBytes: number
  /** A socket that has not authenticated by then is closed: 10,000. */
  readonly maxHandshakeMs: number
  /** A client that reads too slowly loses its socket once this much waits for it: 16 MiB. */
  readonly maxSocketBufferedBytes: number
  /** Kept for a client without a socket: 10,000 messages, 16 MiB. */
  readonly maxStoredMessagesPerClient: number
  readonly maxStoredBytesPerClient: number
  /** Packets between hops; more are lost: 50,000. */
  readonly maxPacketsInFlight: number
  /** The sender chooses the delay at each mix, up to this: 60,000. */
  readonly maxHopDelayMs: number
}

export type LocalnetEvent =
  | { readonly type: 'clientConnected' | 'clientDisconnected'; readonly clientId: string }
  | { readonly type: 'gatewayAway' | 'gatewayBack' }
  | { readonly type: 'packetLost'; readonly hop: HopName }

const DEFAULT_LIMITS: LocalnetLimits = {
  maxClients: 10_000,
  maxSockets: 1_000,
  maxFrameBytes: 65_536,
  maxHandshakeMs: 10_000,
  maxSocketBufferedBytes: 16 * 1024 * 1024,
  maxStoredMessagesPerClient: 10_000,
  maxStoredBytesPerClient: 16 * 1024 * 1024,
  maxPacketsInFlight: 50_000,
  maxHopDelayMs: 60_000,
}

export class LocalnetOptionError extends Error {
  override name = 'LocalnetOptionError'
}

export type ParsedOptions = {
  readonly host: string
  readonly advertisedHost: string
  readonly apiPort: number
  readonly gatewayPort: number
  readonly seed: number | undefined
  readonly lossPerHop: number
  readonly limits: LocalnetLimits
  readonly onEvent: (event: LocalnetEvent) => void
}

/** Throws LocalnetOptionError for what cannot be meant. */
export function parseOptions(options: LocalnetOptions): ParsedOptions {
  const host = options.host ?? '127.0.0.1'
  if (!isLoopback(host) && options.allowNonLoopback !== true) {
    throw new LocalnetOptionError(
      `host ${host} is reachable from outside; a local network has no access control: pass allowNonLoopback to do it all the same`,
    )
  }
  const { seed } = options
  if (seed !== undefined && !Number.isSafeInteger(seed))
    throw new LocalnetOptionError('seed must be an integer')
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  for (const [name, limit] of Object.entries(limits)) {
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new LocalnetOptionError(`${name} must be a whole number above 0`)
  }
  return {
    host,
    advertisedHost: inUrl(options.advertisedHost ?? dialableHost(host)),
    apiPort: parsePort('apiPort', options.apiPort),
    gatewayPort: parsePort('gatewayPort', options.gatewayPort),
    seed,
    lossPerHop: parseLoss(options.lossPerHop ?? 0),
    limits,
    onEvent: options.onEvent ?? (() => {}),
  }
}

/** Throws LocalnetOptionError unless it is a probability. */
export function parseLoss(loss: number): number {
  if (!(loss >= 0 && loss <= 1)) throw new LocalnetOptionError('loss must be between 0 and 1')
  return loss
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function parsePort(name: string, port = 0): number {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new LocalnetOptionError(`${name} must be a port, 0 to 65535`)
  }
  return port
}

const dialableHost = (host: string) => (host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host)

const inUrl = (host: string) => (isIP(host) === 6 ? `[${host}]` : host)
