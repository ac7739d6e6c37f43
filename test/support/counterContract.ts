import { parseAbi, toEventSelector, toFunctionSelector } from 'viem'

/** What a test asks of a contract: a value that is set and read, an event, a revert with a reason and one of its own kind. */
export const counterAbi = parseAbi([
  'function set(uint256 value)',
  'function get() view returns (uint256)',
  'event Set(address indexed by, uint256 value)',
  'error TooLarge(uint256 value)',
])

/** Where `set` reverts with the reason `zero`, and above which value with `TooLarge`. */
export const maxCount = 100n

type Part = number | string | { readonly label: string } | { readonly jumpTo: string }

const op = {
  lt: 0x10,
  eq: 0x14,
  isZero: 0x15,
  shr: 0x1c,
  caller: 0x33,
  callDataLoad: 0x35,
  mstore: 0x52,
  sload: 0x54,
  sstore: 0x55,
  jumpIf: 0x57,
  dup1: 0x80,
  log2: 0xa2,
  return: 0xf3,
  revert: 0xfd,
  stop: 0x00,
} as const

/** Hex is pushed. */
const push = (hex: string) => `${(0x5f + hex.length / 2).toString(16).padStart(2, '0')}${hex}`
const word = (value: bigint) => push(value.toString(16).padStart(64, '0'))
const selectorWord = (selector: string) => push(selector.slice(2).padEnd(64, '0'))

const runtime = assemble([
  ...[push('00'), op.callDataLoad, push('e0'), op.shr],
  ...[op.dup1, push(toFunctionSelector('set(uint256)').slice(2)), op.eq, { jumpTo: 'set' }, op.jumpIf],
  ...[op.dup1, push(toFunctionSelector('get()').slice(2)), op.eq, { jumpTo: 'get' }, op.jumpIf],
  ...[push('00'), op.dup1, op.revert],
  ...[{ label: 'get' }, push('00'), op.sload, push('00'), op.mstore, push('20'), push('00'), op.return],
  ...[{ label: 'set' }, push('04'), op.callDataLoad],
  ...[op.dup1, op.isZero, { jumpTo: 'zero' }, op.jumpIf],
  ...[op.dup1, push(maxCount.toString(16)), op.lt, { jumpTo: 'large' }, op.jumpIf],
  ...[op.dup1, push('00'), op.sstore, push('00'), op.mstore],
  ...[
    op.caller,
    push(toEventSelector('Set(address,uint256)').slice(2)),
    push('20'),
    push('00'),
    op.log2,
    op.stop,
  ],
  ...[
    { label: 'zero' },
    selectorWord('0x08c379a0'),
    push('00'),
    op.mstore,
    word(0x20n),
    push('04'),
    op.mstore,
  ],
  ...[word(4n), push('24'), op.mstore, push(`7a65726f${'00'.repeat(28)}`), push('44'), op.mstore],
  ...[push('64'), push('00'), op.revert],
  ...[{ label: 'large' }, selectorWord(toFunctionSelector('TooLarge(uint256)')), push('00'), op.mstore],
  ...[push('04'), op.mstore, push('24'), push('00'), op.revert],
])

/** Init code: copies what follows it, and returns it. */
export const counterBytecode: `0x${string}` = `0x61${size(runtime)}80600a3d393df3${runtime}`

function size(hex: string): string {
  return (hex.length / 2).toString(16).padStart(4, '0')
}

function assemble(parts: readonly Part[]): string {
  const labels = new Map<string, number>()
  let at = 0
  for (const part of parts) {
    if (typeof part === 'object' && 'label' in part) labels.set(part.label, at)
    at += typeof part === 'string' ? part.length / 2 : typeof part === 'object' && 'jumpTo' in part ? 3 : 1
  }
  return parts
    .map((part) => {
      if (typeof part === 'number') return part.toString(16).padStart(2, '0')
      if (typeof part === 'string') return part
      if ('label' in part) return '5b'
      return push(labels.get(part.jumpTo)!.toString(16).padStart(4, '0'))
    })
    .join('')
}
