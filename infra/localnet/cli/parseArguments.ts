import { parseArgs } from 'node:util'
import { LocalnetOptionError, type LocalnetOptions } from '../options.ts'

export type Arguments = {
  readonly help: boolean
  readonly json: boolean
  readonly localnet: LocalnetOptions
  /** Undefined: no stand-in for the native client. */
  readonly nativeSocketPort: number | undefined
  readonly countersEverySeconds: number
}

export const USAGE = `Usage: veilcast-localnet [options]

Runs a local Nym network in this process: nym-api, a gateway, three mixes. Unmodified Nym clients connect to it offline.

  --port <port>            port of nym-api; the gateway takes the next one (default: two free ports)
  --host <host>            where to listen (default: 127.0.0.1)
  --allow-non-loopback     listen on a host that others can reach; the network has no access control
  --seed <integer>         the same keys and the same lost packets in every run
  --loss <0..1>            probability that a hop loses a packet (default: 0)
  --native-socket <port>   also serve the websocket of a native nym-client; 0 takes a free port
  --counters <seconds>     print what each client cost, when it changed (default: 10; 0: only on Enter)
  --json                   one JSON object per line
  --help                   this text

Ctrl-C stops it.
`

/** Throws LocalnetOptionError with a line for the person at the terminal. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values } = parse(argv)
  const port = values.port === undefined ? undefined : integer('--port', values.port, 1, 65_534)
  return {
    help: values.help,
    json: values.json,
    localnet: {
      ...(values.host !== undefined && { host: values.host }),
      ...(port !== undefined && { apiPort: port, gatewayPort: port + 1 }),
      ...(values.seed !== undefined && {
        seed: integer('--seed', values.seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
      }),
      ...(values.loss !== undefined && { lossPerHop: probability('--loss', values.loss) }),
      allowNonLoopback: values['allow-non-loopback'],
    },
    nativeSocketPort:
      values['native-socket'] === undefined
        ? undefined
        : integer('--native-socket', values['native-socket'], 0, 65_535),
    countersEverySeconds: integer('--counters', values.counters, 0, 86_400),
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        'allow-non-loopback': { type: 'boolean', default: false },
        seed: { type: 'string' },
        loss: { type: 'string' },
        'native-socket': { type: 'string' },
        counters: { type: 'string', default: '10' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (cause) {
    throw new LocalnetOptionError((cause as Error).message, { cause })
  }
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most)) {
    throw new LocalnetOptionError(`${name} must be a whole number from ${least} to ${most}, not "${text}"`)
  }
  return value
}

function probability(name: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!(value >= 0 && value <= 1)) throw new LocalnetOptionError(`${name} must be from 0 to 1, not "${text}"`)
  return value
}
