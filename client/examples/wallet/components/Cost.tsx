import type { Transfer } from '../transfers/Transfer.ts'

/** What it took to be told, in the mixnet's coin. */
export function Cost({ transfer: { messages, repeated } }: { transfer: Transfer }) {
  if (!messages?.sent) return null
  const { packetsUp, surbs, received } = messages
  return (
    <span>
      {counted(packetsUp, 'packet')} up with {counted(surbs, 'SURB')}, {counted(received, 'reply', 'replies')}
      {repeated > 0 && `, asked again ${repeated === 1 ? 'once' : `${repeated} times`}`}
    </span>
  )
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
