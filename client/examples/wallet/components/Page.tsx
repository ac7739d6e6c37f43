import { useWallet } from '../state/WalletContext.ts'
import { useVeilcast } from '../veilcast/useVeilcast.ts'
import { Accounts } from './Accounts.tsx'
import { Activity } from './Activity.tsx'
import { ConnectionPill } from './ConnectionPill.tsx'
import { ConnectPanel } from './ConnectPanel.tsx'
import { Header } from './Header.tsx'
import { KeyPanel } from './KeyPanel.tsx'
import { Notice } from './Notice.tsx'
import { SendPanel } from './SendPanel.tsx'

export function Page({ fromLink }: { fromLink: boolean }) {
  const { connection } = useVeilcast()
  const { state, dismissNotice } = useWallet()
  const { key, storageNotice } = state
  return (
    <>
      <Header>
        <ConnectionPill />
      </Header>
      <main className="layout">
        <div className="column">
          {fromLink && (
            <Notice tone="careful" title="Settings from a link">
              <p>Whoever made this link chose the broadcaster: it could show you wrong balances and fees.</p>
            </Notice>
          )}
          {storageNotice && (
            <Notice tone="careful" dismiss={dismissNotice}>
              <p>{storageNotice}</p>
            </Notice>
          )}
          {connection.kind !== 'connected' && <ConnectPanel />}
          {key.kind === 'open' ? (
            <>
              <Accounts addresses={key.addresses} kept={key.kept} />
              <SendPanel />
            </>
          ) : (
            <KeyPanel />
          )}
        </div>
        <Activity />
      </main>
      <footer className="foot">
        Everything this page asks and sends goes through the Nym mixnet. The broadcaster sees the transaction,
        not who you are.
      </footer>
    </>
  )
}
