import { formatAmount } from '../format/formatAmount.ts'
import { formatMoment } from '../format/formatTime.ts'
import { shorten } from '../format/shorten.ts'
import { useWallet } from '../state/WalletContext.ts'
import type { Transfer } from '../transfers/Transfer.ts'
import { verdictOf } from '../transfers/verdictOf.ts'
import { useVeilcast } from '../veilcast/useVeilcast.ts'
import { Address } from './Address.tsx'
import { Cost } from './Cost.tsx'
import { Notice } from './Notice.tsx'
import { StageRail } from './StageRail.tsx'

interface TransferCardProps {
  readonly transfer: Transfer
  /** Whether all of it is shown without a click. */
  readonly open: boolean
}

export function TransferCard({ transfer, open }: TransferCardProps) {
  const { chains, askAgain, drop } = useWallet()
  const connected = useVeilcast().connection.kind === 'connected'
  const config = chains.find((chain) => chain.config.chain === transfer.chain)?.config
  const verdict = verdictOf(transfer)
  const { failure, progress, txId } = transfer
  const amount =
    transfer.amount && config ? formatAmount(BigInt(transfer.amount), config.decimals) : undefined
  return (
    <li className={`transfer ${verdict.tone}`} data-progress={progress}>
      <details open={open}>
        <summary className="summary">
          <strong>{amount ? `${amount} ${config?.symbol}` : 'An earlier payment'}</strong>
          <span className="verdict" role="status">
            {verdict.text}
          </span>
          <small>
            {transfer.to && (
              <>
                to <code title={transfer.to}>{shorten(transfer.to)}</code>{' '}
              </>
            )}
            on {config?.name ?? transfer.chain}, {formatMoment(transfer.sentAtMs)}
          </small>
        </summary>
        <div className="more">
          {(!failure || transfer.stages.length > 0) && <StageRail transfer={transfer} />}
          {failure && (
            <Notice tone={failure.outcome === 'unknown' ? 'careful' : 'problem'} title={failure.text}>
              <p>{failure.advice}</p>
            </Notice>
          )}
          <div className="fine">
            {txId && (
              <span>
                Hash <Address address={txId} owner="transaction’s" />
              </span>
            )}
            <Cost transfer={transfer} />
          </div>
          <div className="actions">
            {progress === 'silent' && (
              <button type="button" onClick={() => askAgain(transfer.id)} disabled={!connected}>
                Ask again
              </button>
            )}
            {progress === 'ended' && (
              <button type="button" className="quiet" onClick={() => drop(transfer.id)}>
                Remove from the list
              </button>
            )}
          </div>
        </div>
      </details>
    </li>
  )
}
