import { useWallet } from '../state/WalletContext.ts'
import { TransferCard } from './TransferCard.tsx'

export function Activity() {
  const { transfers } = useWallet().state
  return (
    <section className="activity" aria-labelledby="activity-title">
      <div className="heading">
        <h2 id="activity-title">Payments</h2>
      </div>
      {transfers.length === 0 ? (
        <p className="empty">What you send appears here, with each word that comes back about it.</p>
      ) : (
        <ol className="transfers">
          {transfers.map((transfer, index) => (
            <TransferCard
              key={transfer.id}
              transfer={transfer}
              open={index === 0 || transfer.progress !== 'ended'}
            />
          ))}
        </ol>
      )}
    </section>
  )
}
