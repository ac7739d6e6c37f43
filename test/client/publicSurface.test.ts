import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import * as client from '@veilcast/client'
import * as cosmjs from '@veilcast/client/cosmjs'
import * as eip1193 from '@veilcast/client/eip1193'
import * as fileJournal from '@veilcast/client/journal/file'
import * as indexedDbJournal from '@veilcast/client/journal/indexed-db'
import * as loopback from '@veilcast/client/loopback'
import * as nymSdk from '@veilcast/client/nym-sdk'
import * as nymSocket from '@veilcast/client/nym-socket'
import * as nymWasm from '@veilcast/client/nym-wasm'
import * as rpc from '@veilcast/client/rpc'
import * as viem from '@veilcast/client/viem'

const workspaces = join(__dirname, '../..')

describe('@veilcast/client', () => {
  it('default: exports these names and no others', () => {
    expect(Object.keys(client).sort()).toEqual([
      'VeilcastError',
      'createClient',
      'createMemoryJournal',
      'findVeilcastError',
    ])
    expect(Object.keys(cosmjs).sort()).toEqual(['CometRpcError', 'createCosmosNode', 'createRpcClient'])
    expect(Object.keys(fileJournal)).toEqual(['createFileJournal'])
    expect(Object.keys(indexedDbJournal)).toEqual(['createIndexedDbJournal'])
    expect(Object.keys(loopback)).toEqual(['createLoopback'])
    expect(Object.keys(nymSdk)).toEqual(['createNymSdkDialer'])
    expect(Object.keys(nymSocket).sort()).toEqual(['createNymSocketDialer', 'createNymSocketListener'])
    expect(Object.keys(rpc).sort()).toEqual(['countTraffic', 'defaultPort', 'newToken', 'serveRpc'])
    expect(Object.keys(eip1193).sort()).toEqual([
      'ProviderRpcError',
      'VeilcastError',
      'announceProvider',
      'createEip1193Provider',
      'findVeilcastError',
    ])
    expect(Object.keys(viem).sort()).toEqual(['VeilcastError', 'findVeilcastError', 'veilcast'])
    expect(Object.keys(nymWasm).sort()).toEqual(['createNymWasmDialer', 'createNymWasmListener'])
  })

  it('behavior: what a browser loads imports nothing of Node', () => {
    const seen = new Set<string>()
    for (const entry of ['.', './journal/indexed-db', './nym-sdk', './cosmjs', './loopback'])
      follow(resolve('@veilcast/client', entry), seen)
    expect([...seen].filter((name) => name.startsWith('node:') || name === 'ws')).toEqual([])
    expect([...seen].some((name) => name.endsWith('client/dist/converse.js'))).toBe(true)
    expect([...seen].some((name) => name.endsWith('shared/dist/protocol/envelope.js'))).toBe(true)
  })
})

/** Static imports of our own dist, and the names of the packages that they end at. */
function follow(file: string, seen: Set<string>): void {
  if (seen.has(file)) return
  seen.add(file)
  for (const [, specifier] of readFileSync(file, 'utf8').matchAll(
    /^(?:im|ex)port [^;]*?from ['"]([^'"]+)['"]/gm,
  )) {
    if (specifier!.startsWith('.')) follow(join(dirname(file), specifier!), seen)
    else if (specifier!.startsWith('@veilcast/')) {
      const [scope, name, ...path] = specifier!.split('/')
      follow(resolve(`${scope}/${name}`, path.length > 0 ? `./${path.join('/')}` : '.'), seen)
    } else seen.add(specifier!)
  }
}

function resolve(packageName: string, subpath: string): string {
  const folder = join(workspaces, packageName.replace('@veilcast/', ''))
  const { exports } = createRequire(__filename)(join(folder, 'package.json'))
  return join(folder, exports[subpath].default)
}
