import { useEffect, useRef } from 'react'
import type { Quote } from '../chains/Chain.ts'
import type { ChainConfig } from '../config/WalletConfig.ts'
import { formatAmount } from '../format/formatAmount.ts'

interface ReviewStepProps {
  readonly config: ChainConfig
  readonly quote: Quote
  readonly signing: boolean
  readonly confirm: () => void
  readonly back: () => void
}

/** What will be signed, in full: the whole address, the exact amount, the most that it costs. */
export function ReviewStep({ config, quote, signing, confirm, back }: ReviewStepProps) {
  const { symbol, decimals, family, name } = config
  const first = useRef<HTMLDListElement>(null)
  useEffect(() => first.current?.focus(), [])
  const inUnits = (amount: bigint) => `${formatAmount(amount, decimals)} ${symbol}`
  return (
    <>
      <dl className="review" tabIndex={-1} ref={first} aria-label="What will be signed">
        <div className="big">
          <dt>Amount</dt>
          <dd>{inUnits(quote.amount)}</dd>
        </div>
        <div>
          <dt>To</dt>
          <dd>
            <code className="whole">{quote.to}</code>
          </dd>
        </div>
        <div>
          <dt>Chain</dt>
          <dd>{name}</dd>
        </div>
        <div>
          <dt>{family === 'evm' ? 'Fee, at most' : 'Fee'}</dt>
          <dd>
            {inUnits(quote.maxFee)}
            <small>{quote.feeDetails}</small>
          </dd>
        </div>
        <div>
          <dt>{family === 'evm' ? 'Nonce' : 'Sequence'}</dt>
          <dd>{quote.number}</dd>
        </div>
        <div className="sum">
          <dt>Together, at most</dt>
          <dd>{inUnits(quote.amount + quote.maxFee)}</dd>
        </div>
      </dl>
      <div className="actions">
        <button type="button" className="main" onClick={confirm} disabled={signing} aria-busy={signing}>
          {signing ? 'Signing…' : 'Sign and send'}
        </button>
        <button type="button" className="quiet" onClick={back} disabled={signing}>
          Back
        </button>
      </div>
    </>
  )
}
