// Loaded before a program by NODE_OPTIONS=--require, in each of its threads and child processes: writes where it connects,
// sends datagrams and what names it looks up, a JSON line each, to the file in RECORD_SOCKETS_FILE. It stands below `net`,
// `http`, `tls`, `fetch`, `dns` and `ws`, at the bindings that all of them end in.
const { appendFileSync } = require('node:fs')

const file = process.env.RECORD_SOCKETS_FILE
if (!file) throw new Error('RECORD_SOCKETS_FILE names no file.')
const tell = (what) => appendFileSync(file, `${JSON.stringify(what)}\n`)

function before(prototype, method, describe) {
  const original = prototype?.[method]
  if (typeof original !== 'function') throw new Error(`Node ${process.version} has no ${method} to watch.`)
  prototype[method] = function (...args) {
    tell(describe(args))
    return original.apply(this, args)
  }
}

process.removeAllListeners('warning')
process.noDeprecation = true
const { TCP } = process.binding('tcp_wrap')
const { Pipe } = process.binding('pipe_wrap')
const { UDP } = process.binding('udp_wrap')
const names = process.binding('cares_wrap')

for (const method of ['connect', 'connect6'])
  before(TCP.prototype, method, ([, host, port]) => ({ kind: 'tcp', to: `${host}:${port}` }))
before(Pipe.prototype, 'connect', ([, path]) => ({ kind: 'pipe', to: path }))
for (const method of ['send', 'send6', 'connect', 'connect6'])
  before(UDP.prototype, method, (args) => ({
    kind: 'udp',
    to: args.filter((one) => typeof one === 'string').join(' '),
  }))
before(names, 'getaddrinfo', ([, name]) => ({ kind: 'lookup', to: name }))
for (const [method, found] of Object.entries(names.ChannelWrap.prototype))
  if (method.startsWith('query') && typeof found === 'function')
    before(names.ChannelWrap.prototype, method, ([, name]) => ({ kind: 'lookup', to: name }))
tell({ kind: 'watching', to: process.argv[1] ?? '' })
