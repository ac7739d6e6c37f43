import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './processes.ts'

/** Subpaths of the client that only Node can run. */
const onlyNode: readonly string[] = ['nym-wasm', 'nym-socket', 'journal/file', 'rpc']
const { exports } = JSON.parse(readFileSync(join(root, 'client/package.json'), 'utf8'))
const subpaths = Object.keys(exports).map((subpath) => subpath.replace(/^\.\/?/, ''))

/** Without `@veilcast/client/`; the client itself is ''. */
export const nodeSubpaths: readonly string[] = subpaths.filter((subpath) => onlyNode.includes(subpath))
export const browserSubpaths: readonly string[] = subpaths.filter((subpath) => !onlyNode.includes(subpath))

/** The built file behind a subpath, from the root. */
export function builtFile(subpath: string): string {
  return join('client', exports[subpath === '' ? '.' : `./${subpath}`].default)
}
