import { useWallet } from '../state/WalletContext.ts'
import { useVeilcast } from '../veilcast/useVeilcast.ts'
import { AccountCard } from './AccountCard.tsx'

interface AccountsProps {
  readonly addresses: Readonly<Record<string, string>>
  readonly kept: boolean
}

export function Accounts({ addresses, kept }: AccountsProps) {
  const { chains, state, refresh, lock, forget } = useWallet()
  const connected = useVeilcast().connection.kind === 'connected'
  const loading = Object.values(state.balances).some((balance) => balance.loading)
  return (
    <section aria-labelledby="accounts-title">
      <div className="heading">
        <h2 id="accounts-title">Accounts</h2>
        <button type="button" className="quiet" onClick={refresh} disabled={!connected || loading}>
          {loading ? 'Asking…' : 'Refresh'}
        </button>
        {kept && (
          <button type="button" className="quiet" onClick={lock}>
            Lock
          </button>
        )}
        <button type="button" className="quiet" onClick={forget}>
          Forget this key
        </button>
      </div>
      <ul className="cards">
        {chains.map(({ config }) => (
          <AccountCard
            key={config.chain}
            config={config}
            address={addresses[config.chain] ?? ''}
            balance={state.balances[config.chain]}
          />
        ))}
      </ul>
    </section>
  )
}
