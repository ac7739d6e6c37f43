#!/usr/bin/env node
import { describeCounters, describeNetwork } from './cli/describe.ts'
import { type Arguments, parseArguments, USAGE } from './cli/parseArguments.ts'
import { PortUnavailableError } from './listen.ts'
import { startNativeClientStandIn } from './nativeSocket/startNativeClientStandIn.ts'
import { LocalnetOptionError } from './options.ts'
import { startLocalnet } from './startLocalnet.ts'

const BAD_USAGE = 2

/** A terminal under npm delivers Ctrl-C more than once: a second one counts from a second on. */
const SECOND_SIGNAL_AFTER_MS = 1_000

async function run({
  json,
  localnet: options,
  nativeSocketPort,
  countersEverySeconds,
}: Arguments): Promise<void> {
  const say = (event: object, text: string) =>
    process.stdout.write(json ? `${JSON.stringify(event)}\n` : text)

  const localnet = await startLocalnet(options)
  const nativeClient =
    nativeSocketPort === undefined
      ? undefined
      : await startNativeClientStandIn({ ...localnet, port: nativeSocketPort }).catch(
          async (error: unknown) => {
            await localnet.stop()
            throw error
          },
        )
  const { nymApiUrl, gatewayUrl, preferredGateway, seed } = localnet
  say(
    {
      event: 'ready',
      nymApiUrl,
      gatewayUrl,
      preferredGateway,
      seed,
      ...(nativeClient && { nativeSocketUrl: nativeClient.url, nativeAddress: nativeClient.address }),
    },
    `${describeNetwork(localnet, nativeClient)}\n`,
  )

  let lastSaid = ''
  const sayCounters = (always: boolean) => {
    const counters = localnet.counters()
    const text = describeCounters(counters)
    if (!always && (text === lastSaid || Object.keys(counters.clients).length === 0)) return
    lastSaid = text
    say({ event: 'counters', ...counters }, `${text}\n`)
  }
  const timer =
    countersEverySeconds > 0 ? setInterval(() => sayCounters(false), countersEverySeconds * 1000) : undefined
  const onEnter = () => sayCounters(true)
  if (process.stdin.isTTY) process.stdin.on('data', onEnter)

  await untilStopped(nativeClient?.failed)
  clearInterval(timer)
  process.stdin.off('data', onEnter).pause()
  await nativeClient?.stop()
  await localnet.stop()
  say({ event: 'stopped' }, 'Stopped.\n')
}

/** Settles at the first SIGINT or SIGTERM, or throws what ended by itself. A second signal exits at once. */
async function untilStopped(failed: Promise<Error> | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let firstAt: number | undefined
    const onSignal = () => {
      if (firstAt !== undefined && performance.now() - firstAt > SECOND_SIGNAL_AFTER_MS) process.exit(1)
      firstAt ??= performance.now()
      resolve()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
    void failed?.then(reject)
  })
}

try {
  const args = parseArguments(process.argv.slice(2))
  if (args.help) process.stdout.write(USAGE)
  else await run(args)
} catch (error) {
  if (!(error instanceof LocalnetOptionError || error instanceof PortUnavailableError)) throw error
  process.stderr.write(`veilcast-localnet: ${error.message}\n`)
  if (error instanceof LocalnetOptionError)
    process.stderr.write('Run veilcast-localnet --help for the options.\n')
  process.exitCode = BAD_USAGE
}
