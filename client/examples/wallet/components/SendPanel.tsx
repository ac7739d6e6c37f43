import { useReducer } from 'react'
import { checkRecipient } from '../chains/checkRecipient.ts'
import { formatAmount } from '../format/formatAmount.ts'
import { parseAmount } from '../format/parseAmount.ts'
import { describeProblem } from '../state/describeProblem.ts'
import { useWallet } from '../state/WalletContext.ts'
import { ReviewStep } from './ReviewStep.tsx'
import { SendForm } from './SendForm.tsx'
import { type SendProblems, sendReducer } from './sendReducer.ts'

/** A payment from the form over the review to the signature. Nothing is signed before the review is confirmed. */
export function SendPanel() {
  const { chains, state, quote, send } = useWallet()
  const [sending, dispatch] = useReducer(sendReducer, {
    fields: { chain: chains[0]?.config.chain ?? '', to: '', amount: '' },
    problems: {},
    step: { kind: 'form' },
  })
  const { fields, problems, step } = sending
  const config = chains.find((chain) => chain.config.chain === fields.chain)?.config
  if (!config) return null
  const balance = state.balances[config.chain]?.amount

  const review = async () => {
    const to = fields.to.trim()
    const found: SendProblems = {}
    const wrongTo = checkRecipient(config, to)
    if (wrongTo) found.to = wrongTo
    const amount = parseAmount(fields.amount, config.decimals)
    if (!amount.ok) found.amount = amount.reason
    else if (balance !== undefined && amount.baseUnits > balance) {
      found.amount = `You have ${formatAmount(balance, config.decimals)} ${config.symbol}.`
    }
    if (found.to || found.amount || !amount.ok) return dispatch({ kind: 'refused', problems: found })
    dispatch({ kind: 'asked' })
    try {
      const quoted = await quote(config.chain, to, amount.baseUnits)
      if (quoted.amount + quoted.maxFee > quoted.balance) {
        const fee = formatAmount(quoted.maxFee, config.decimals)
        const text = `With the fee of up to ${fee} ${config.symbol} this is more than you have.`
        return dispatch({ kind: 'refused', problems: { amount: text } })
      }
      dispatch({ kind: 'quoted', quote: quoted })
    } catch (error) {
      dispatch({ kind: 'refused', problems: { form: describeProblem(error) } })
    }
  }
  const confirm = async () => {
    if (step.kind !== 'review') return
    dispatch({ kind: 'signing' })
    try {
      await send(step.quote)
      dispatch({ kind: 'sent' })
    } catch {
      dispatch({ kind: 'refused', problems: { form: 'It could not be signed. Nothing was sent.' } })
    }
  }

  return (
    <section className="panel" aria-labelledby="send-title">
      <h2 id="send-title">{step.kind === 'review' || step.kind === 'signing' ? 'Review' : 'Send'}</h2>
      {step.kind === 'review' || step.kind === 'signing' ? (
        <ReviewStep
          config={config}
          quote={step.quote}
          signing={step.kind === 'signing'}
          confirm={() => void confirm()}
          back={() => dispatch({ kind: 'back' })}
        />
      ) : (
        <SendForm
          fields={fields}
          problems={problems}
          config={config}
          balance={balance}
          busy={step.kind === 'quoting'}
          typed={(typed) => dispatch({ kind: 'typed', fields: typed })}
          review={() => void review()}
        />
      )}
    </section>
  )
}
