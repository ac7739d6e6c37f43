import { useState } from 'react'
import { shorten } from '../format/shorten.ts'

/** The ends of an address, and the whole of it for the clipboard. */
export function Address({ address, owner }: { address: string; owner: string }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(address).then(
      () => setCopied(true),
      () => undefined,
    )
    setTimeout(() => setCopied(false), 2_000)
  }
  return (
    <span className="address">
      <code title={address}>{shorten(address)}</code>
      <button
        type="button"
        className="quiet"
        onClick={() => void copy()}
        aria-label={`Copy the ${owner} address`}
      >
        {copied ? 'Copied' : 'Copy'}
      </button>
    </span>
  )
}
