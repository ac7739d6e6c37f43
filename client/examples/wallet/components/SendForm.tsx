import { useEffect, useRef } from 'react'
import type { ChainConfig } from '../config/WalletConfig.ts'
import { formatRoughly } from '../format/formatAmount.ts'
import { useWallet } from '../state/WalletContext.ts'
import { useVeilcast } from '../veilcast/useVeilcast.ts'
import { Field } from './Field.tsx'
import { Notice } from './Notice.tsx'
import type { SendFields, SendProblems } from './sendReducer.ts'

interface SendFormProps {
  readonly fields: SendFields
  readonly problems: SendProblems
  readonly config: ChainConfig
  readonly balance: bigint | undefined
  readonly busy: boolean
  readonly typed: (fields: Partial<SendFields>) => void
  readonly review: () => void
}

export function SendForm({ fields, problems, config, balance, busy, typed, review }: SendFormProps) {
  const { chains } = useWallet()
  const connected = useVeilcast().connection.kind === 'connected'
  const to = useRef<HTMLInputElement>(null)
  const amount = useRef<HTMLInputElement>(null)
  // Whoever cannot see the message is brought to where it belongs.
  useEffect(() => {
    if (problems.to) to.current?.focus()
    else if (problems.amount) amount.current?.focus()
  }, [problems])
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        review()
      }}
    >
      <fieldset className="switch" disabled={busy}>
        <legend>Chain</legend>
        <div>
          {chains.map(({ config: { chain, name } }) => (
            <label key={chain}>
              <input
                type="radio"
                name="chain"
                checked={fields.chain === chain}
                onChange={() => typed({ chain, to: '', amount: '' })}
              />
              <span>{name}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <Field
        ref={to}
        label="To"
        name="to"
        value={fields.to}
        placeholder={config.family === 'evm' ? '0x…' : `${config.bech32Prefix}1…`}
        onChange={(event) => typed({ to: event.target.value })}
        problem={problems.to}
        readOnly={busy}
      />
      <Field
        ref={amount}
        label="Amount"
        name="amount"
        inputMode="decimal"
        placeholder="0.00"
        unit={config.symbol}
        value={fields.amount}
        onChange={(event) => typed({ amount: event.target.value })}
        hint={
          balance === undefined
            ? undefined
            : `Balance ${formatRoughly(balance, config.decimals)} ${config.symbol}`
        }
        problem={problems.amount}
        readOnly={busy}
      />
      {problems.form && (
        <Notice tone="problem">
          <p>{problems.form}</p>
        </Notice>
      )}
      <button type="submit" className="main" disabled={busy || !connected} aria-busy={busy}>
        {busy ? 'Asking for nonce and fee…' : connected ? 'Review' : 'Connect first'}
      </button>
    </form>
  )
}
