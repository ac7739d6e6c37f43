import type { ChainConfig } from '../config/WalletConfig.ts'
import { formatRoughly } from '../format/formatAmount.ts'
import { formatMoment } from '../format/formatTime.ts'
import type { Balance } from '../state/WalletState.ts'
import { Address } from './Address.tsx'

interface AccountCardProps {
  readonly config: ChainConfig
  readonly address: string
  readonly balance: Balance | undefined
}

export function AccountCard({ config, address, balance }: AccountCardProps) {
  const { name, symbol, decimals, family } = config
  return (
    <li className={`card ${family}`}>
      <h3>{name}</h3>
      <p className="amount" aria-busy={balance?.loading ?? false} data-testid={`balance-${config.chain}`}>
        {balance?.amount === undefined ? '—' : formatRoughly(balance.amount, decimals)}
        <span>{symbol}</span>
      </p>
      <p className="asof">{tell(balance)}</p>
      <Address address={address} owner={name} />
    </li>
  )
}

function tell(balance: Balance | undefined): string {
  if (balance?.loading) return 'Asking through the mixnet…'
  if (balance?.error) return balance.error
  return balance?.amount === undefined ? 'Not asked yet' : `As of ${formatMoment(balance.atMs)}`
}
