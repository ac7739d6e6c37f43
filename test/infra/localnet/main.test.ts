import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from '@jest/globals'
import { startWasmClient } from '@veilcast/localnet'

const MAIN = join(__dirname, '../../../infra/localnet/dist/main.js')

describe('veilcast-localnet', () => {
  const children: ChildProcess[] = []
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  })

  function start(...args: string[]) {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    children.push(child)
    return child
  }

  async function finish(...args: string[]) {
    const child = start(...args)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream!.on('data', (chunk) => (output += chunk))
    const [code] = await once(child, 'close')
    return { code, output }
  }

  it('default: runs until Ctrl-C, says how to connect, and a client can', async () => {
    const child = start('--json', '--seed', '1', '--counters', '1', '--native-socket', '0')
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
    const next = async () => JSON.parse((await lines.next()).value)
    const ready = await next()
    expect(ready).toMatchObject({ event: 'ready', seed: 1, nativeSocketUrl: expect.stringMatching(/^ws:/) })

    const client = await startWasmClient({ ...ready, cover: false, pacing: false })
    await client.send(ready.nativeAddress, Buffer.from('hello'))
    const id = client.address.split('.')[0]!
    let counters = await next()
    while (counters.clients[id]?.dataPacketsUp !== 1) counters = await next()
    expect(counters.event).toBe('counters')
    await client.stop()

    child.kill('SIGINT')
    const closed = once(child, 'close')
    let last = await next()
    while (last.event !== 'stopped') last = await next()
    expect(await closed).toEqual([0, null])
  })

  it('default: --help lists every option', async () => {
    const { code, output } = await finish('--help')
    expect(code).toBe(0)
    for (const option of [
      '--port',
      '--host',
      '--seed',
      '--loss',
      '--native-socket',
      '--counters',
      '--json',
    ]) {
      expect(output).toContain(option)
    }
  })

  it.each([
    [['--loss', '2'], '--loss must be from 0 to 1, not "2"'],
    [['--port', 'http'], '--port must be a whole number from 1 to 65534, not "http"'],
    [['--seed', '1.5'], '--seed must be a whole number'],
    [['--colour'], "Unknown option '--colour'"],
    [['--host', '0.0.0.0'], 'allowNonLoopback'],
  ])('behavior: refuses %s in a line', async (args, message) => {
    const { code, output } = await finish(...args)
    expect(code).toBe(2)
    expect(output).toContain(`veilcast-localnet: `)
    expect(output).toContain(message)
    expect(output).not.toContain('    at ')
  })

  it('behavior: names a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { code, output } = await finish('--port', String(port))
    expect(code).toBe(2)
    expect(output).toContain(`port ${port} on 127.0.0.1 is in use by another process`)
    await new Promise((resolve) => other.close(resolve))
  })
})
