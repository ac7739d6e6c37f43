import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { buildGoTool, findBuiltGoTool, findGo, type GoBuildOptions, type GoTool } from './buildGoTool.ts'
import { CosmosChainUnavailable } from './errors.ts'

/** ibc-go's simapp: the SDK 0.50 modules on CometBFT 0.38, and the only released `simd` that is a Go module. */
const simd: GoTool = {
  module: 'simd',
  package: 'github.com/cosmos/ibc-go/v8/testing/simapp/simd',
  binary: 'simd',
}

/** The same program in a container, for Linux without Go. */
const dockerImage = 'ghcr.io/cosmos/ibc-go-simd:v8.7.0'

const namesOnPath = ['simd', 'gaiad', 'wasmd']
const buildHint = 'npx veilcast-devnet build-cosmos'

/** A program that is a Cosmos SDK chain, and where it came from. */
export type CosmosBinary =
  | { source: 'option' | 'environment' | 'path' | 'built'; path: string }
  | { source: 'docker'; image: string }

export type CosmosBinaryOptions = {
  /** Path of simd, gaiad or wasmd; instead of looking for one. Default: $VEILCAST_COSMOS_BINARY. */
  binary?: string | undefined
}

/**
 * The Cosmos chain that could start at once: the option or $VEILCAST_COSMOS_BINARY, else simd, gaiad or wasmd on PATH,
 * else simd as built before. Builds and fetches nothing.
 *
 * @throws CosmosChainUnavailable if a path was named and is not an executable
 */
export function findCosmosBinary(options: CosmosBinaryOptions = {}): CosmosBinary | undefined {
  const named = options.binary || process.env.VEILCAST_COSMOS_BINARY
  if (named) {
    if (!isExecutable(named)) throw new CosmosChainUnavailable(`not an executable Cosmos chain: ${named}`)
    return { source: options.binary ? 'option' : 'environment', path: named }
  }
  for (const name of namesOnPath) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name)
      if (folder && isExecutable(path)) return { source: 'path', path }
    }
  }
  const path = findBuiltGoTool(simd)
  return path ? { source: 'built', path } : undefined
}

/** Builds simd into the cache unless it is there, and returns its path. See {@link buildGoTool} for the errors. */
export function buildCosmosBinary(options: GoBuildOptions = {}): Promise<string> {
  return buildGoTool(simd, options)
}

/**
 * The Cosmos chain, built if need be: what {@link findCosmosBinary} finds, else simd built by Go, else simd in Docker.
 *
 * @throws CosmosChainUnavailable if there is none of these
 * @throws GoBuildError if Go is here and the build fails
 */
export async function obtainCosmosBinary(
  options: CosmosBinaryOptions & GoBuildOptions = {},
): Promise<CosmosBinary> {
  const found = findCosmosBinary(options)
  if (found) return found
  if (findGo()) return { source: 'built', path: await buildCosmosBinary(options) }
  if (hasDocker()) return { source: 'docker', image: dockerImage }
  throw new CosmosChainUnavailable(describeCosmosAvailability())
}

/** One line: which Cosmos chain would run here, or how to get one. Never throws. */
export function describeCosmosAvailability(options: CosmosBinaryOptions = {}): string {
  try {
    const found = findCosmosBinary(options)
    if (found) return describeCosmosBinary(found)
  } catch (error) {
    return (error as Error).message
  }
  const go = findGo()
  if (go) return `no Cosmos chain yet: ${buildHint} builds one with ${go} (once, about 4 minutes on 2 cores)`
  if (hasDocker()) return `simd in Docker (${dockerImage})`
  return `no Cosmos chain: install Go 1.24 and run ${buildHint}, or put simd, gaiad or wasmd on PATH or in VEILCAST_COSMOS_BINARY, or start Docker (Linux)`
}

export function describeCosmosBinary(binary: CosmosBinary): string {
  if (binary.source === 'docker') return `simd in Docker (${binary.image})`
  const origin = {
    option: 'as asked',
    environment: 'from VEILCAST_COSMOS_BINARY',
    path: 'on PATH',
    built: 'built here',
  }
  return `${binary.path} (${origin[binary.source]})`
}

/** The command line that runs the chain's program with a home. */
export function cosmosCommand(binary: CosmosBinary, home: string, args: string[]): [string, string[]] {
  if (binary.source !== 'docker') return [binary.path, [...args, '--home', home]]
  const user = `${process.getuid?.()}:${process.getgid?.()}`
  const container = [
    'run',
    '--rm',
    '--init',
    '-i',
    '--network',
    'host',
    '--user',
    user,
    '-v',
    `${home}:${home}`,
  ]
  return ['docker', [...container, binary.image, ...args, '--home', home]]
}

function hasDocker(): boolean {
  // The container shares the host's network, which Docker Desktop does not offer.
  if (process.platform !== 'linux') return false
  try {
    execFileSync('docker', ['version', '--format', '{{.Server.Version}}'], {
      stdio: 'ignore',
      timeout: 3_000,
    })
    return true
  } catch {
    return false
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
