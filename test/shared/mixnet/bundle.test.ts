import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from '@jest/globals'

const root = join(__dirname, '../../../shared/dist/mixnet')

/** Every package that a bundler follows from a built file, dynamic imports included. */
function packagesOf(entry: string): string[] {
  const packages = new Set<string>()
  const seen = new Set<string>()
  const visit = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    for (const [, specifier] of withoutComments(readFileSync(file, 'utf8')).matchAll(
      /(?:from|import)\s*\(?\s*'([^']+)'/g,
    )) {
      if (specifier!.startsWith('.')) visit(join(dirname(file), specifier!))
      else packages.add(specifier!)
    }
  }
  visit(join(root, entry))
  return [...packages].sort()
}

const withoutComments = (text: string) => text.replace(/^\s*(?:\/?\*|\/\/).*$/gm, '')

describe('what an import of each subpath pulls in', () => {
  it.each([
    ['index.js', []],
    ['loopback/index.js', ['@noble/hashes/sha2.js', '@noble/hashes/utils.js', '@scure/base']],
    ['nymSdk/index.js', ['@noble/hashes/utils.js', '@nymproject/sdk-full-fat']],
    ['nymSocket/index.js', ['@noble/hashes/utils.js', '@scure/base', 'node:net', 'ws']],
  ])('%s', (entry, packages) => {
    expect(packagesOf(entry)).toEqual(packages)
  })

  it('nymWasm: the Nym client only in its thread', () => {
    expect(packagesOf('nymWasm/index.js').filter((name) => !/^(node:|@noble\/|@scure\/)/.test(name))).toEqual(
      [],
    )
    expect(packagesOf('nymWasm/worker.js')).toContain('@nymproject/nym-client-wasm-node')
  })
})
