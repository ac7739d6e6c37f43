/**
 * Writes docs/configuration.md from the broadcaster's schema (build it first). With --check it writes nothing and exits 1 where
 * the file on disk is another.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { chainFamilies } from '../../broadcaster/dist/chains/registry.js'
import { broadcasterConfig } from '../../broadcaster/dist/config/config.js'
import { alternativesOf, wrappedBy } from '../../broadcaster/dist/config/configKeys.js'

const page = new URL('../../docs/configuration.md', import.meta.url)

const intro = `# Configuration of a broadcaster

Written by \`node infra/docs/writeConfiguration.mjs\` from the schema in \`broadcaster/config\`: change it there.

One YAML file, by default \`veilcast.yaml\` in the folder where the command is started, else \`--config\` or \`VEILCAST_CONFIG\`. Write
the first one with \`veilcast-broadcaster init\`, and try it with \`veilcast-broadcaster check\`. Relative paths in it count from its own
folder. Unknown keys are errors, and each error names the line, the key, and the key that was likely meant.

\`\`\`yaml
mixnet: { transport: nym-wasm, nymApiUrl: https://validator.nymtech.net/api }
store: { kind: redis, url: { file: /run/secrets/redis-url } }
chains:
  - chain: eip155:1
    endpoints:
      - { id: mine, operator: me, url: http://127.0.0.1:8545 }
      - { id: other, operator: someone-else, url: { env: OTHER_RPC_URL } }
    finality: { rule: finalized }
\`\`\`

## Secrets

Wherever a text may stand, \`{ file: path }\` stands for what is in the file, without its last line end, and \`{ env: NAME }\` for what is
in the variable. Errors name the key, and neither the file, the variable nor the text. A file that others may write is refused; one
that others may read is taken with a warning, unless it lies under \`/run\`, where a supervisor mounts secrets.

## Environment

\`VEILCAST_\` and the path of a key goes before the key in the file: its steps parted by two underscores, the words of a step by one,
places in a list counted from 0. Texts are taken as they are; all else is read as YAML. An empty variable counts as none. A variable
that names no key is an error, except for those that other programs of Veilcast read, and what Kubernetes sets for services.

\`\`\`sh
VEILCAST_LOG_LEVEL=debug
VEILCAST_HTTP__PORT=9000
VEILCAST_CHAINS__0__ENDPOINTS__0__URL=https://rpc.example/KEY
VEILCAST_CHAINS__0__ENDPOINTS__1__URL__FILE=/run/secrets/rpc-url
VEILCAST_CHAINS__1='{ chain: "eip155:10", endpoints: [{ id: a, url: "http://127.0.0.1:9545" }] }'
\`\`\`
`

const lines = [intro]
/** The anchors of objects that were written, so that what stands at two places is written once. */
const written = new Map()
const headings = new Set()

writeObjects('', '## Keys', broadcasterConfig)

/** The objects that may stand at a path, and below them theirs. */
function writeObjects(path, heading, schema) {
  const objects = objectsIn(schema)
  const level = heading.split(' ', 1)[0]
  lines.push(heading)
  if (path !== '') lines.push('', descriptionOf(schema) ?? '')
  const below = []
  for (const object of objects) {
    const label = labelOf(object)
    if (objects.length > 1) lines.push('', `${level}# ${label}`)
    if (object.description) lines.push('', object.description)
    lines.push('', '| key | value | default | |', '|---|---|---|---|')
    const rows = []
    for (const [key, child] of Object.entries(object.shape)) {
      const inner = `${path}${path === '' ? '' : '.'}${key}`
      const line = () =>
        `| \`${key}\` | ${valuesOf(child)} | ${defaultOf(child)} | ${cell(descriptionOf(child) ?? '')} |`
      // Whether it links is known once what it links to has a heading.
      rows.push([lines.push('') - 1, line])
      const children = objectsIn(child)
      if (children.length === 0 || written.has(children[0])) continue
      const list = alternativesOf(child).some((one) => one instanceof z.ZodArray) ? '[]' : ''
      const plain = `\`${inner}${list}\``
      const heading = headings.has(plain) ? `${plain} of ${label}` : plain
      headings.add(heading)
      for (const one of children) written.set(one, slugOf(heading))
      below.push([`${inner}${list}`, `## ${heading}`, child])
    }
    for (const [place, line] of rows) lines[place] = line()
    lines.push('')
  }
  for (const [inner, heading, child] of below) writeObjects(inner, heading, child)
}

/** The objects that a value may be, or its items. */
function objectsIn(schema) {
  const found = alternativesOf(schema).flatMap((one) => {
    if (one instanceof z.ZodArray) return objectsIn(one.element)
    return one instanceof z.ZodObject ? [one] : []
  })
  return [...new Set(found)]
}

/** What tells one of several objects from the others. */
function labelOf(object) {
  const family = Object.entries(chainFamilies).find(([, { config }]) =>
    alternativesOf(config).includes(object),
  )
  if (family) return `\`${family[0]}:\``
  const [key, literal] = Object.entries(object.shape).find(([, one]) => one instanceof z.ZodLiteral) ?? []
  return key === undefined ? '' : `\`${key}: ${[...literal.values][0]}\``
}

function valuesOf(schema) {
  const words = alternativesOf(schema).map((one) => {
    if (one instanceof z.ZodEnum) return one.options.map((word) => `\`${word}\``).join(', ')
    if (one instanceof z.ZodLiteral) return [...one.values].map((word) => `\`${word}\``).join(', ')
    if (one instanceof z.ZodBoolean) return '`true`, `false`'
    if (one instanceof z.ZodNumber) return rangeOf(one)
    if (one instanceof z.ZodRecord) return 'names and texts'
    if (one instanceof z.ZodArray) {
      const items = objectsIn(one).length > 0 ? link(one, 'these') : valuesOf(one.element)
      return `list of ${items}`
    }
    if (one instanceof z.ZodObject) return link(one, 'keys')
    return 'text'
  })
  return [...new Set(words)].join(' or ')
}

function link(schema, word) {
  return `[${word}](#${written.get(objectsIn(schema)[0])})`
}

/** As GitHub makes it of a heading. */
function slugOf(heading) {
  const words = heading.toLowerCase().replace(/[^a-z0-9 -]/g, '')
  return words.replaceAll(' ', '-')
}

function rangeOf(schema) {
  const { minValue, maxValue } = schema
  const max = maxValue >= Number.MAX_SAFE_INTEGER ? undefined : maxValue
  return max === undefined ? `${minValue} and up` : `${minValue} to ${max}`
}

function defaultOf(schema) {
  for (let one = schema; one; one = wrappedBy(one)) {
    if (one instanceof z.ZodDefault)
      return `\`${JSON.stringify(one.def.defaultValue).replace(/^"|"$/g, '')}\``
    if (one instanceof z.ZodOptional || one instanceof z.ZodPrefault) return ''
  }
  return alternativesOf(schema).every((one) => one instanceof z.ZodLiteral) ? '' : 'required'
}

function descriptionOf(schema) {
  for (let one = schema; one; one = wrappedBy(one)) if (one.description) return one.description
  return undefined
}

function cell(text) {
  return text.replaceAll('|', '\\|')
}

const text = `${lines
  .join('\n')
  .replace(/\n{3,}/g, '\n\n')
  .trimEnd()}\n`
if (!process.argv.includes('--check')) {
  writeFileSync(page, text)
} else if (readFileSync(page, 'utf8') !== text) {
  console.error(
    'docs/configuration.md is not what the schema says: run node infra/docs/writeConfiguration.mjs',
  )
  process.exitCode = 1
}
