import { describeProblem } from '../state/describeProblem.ts'
import { type ConnectionStep, connectionSteps } from '../veilcast/Connection.ts'
import { useVeilcast } from '../veilcast/useVeilcast.ts'
import { Notice } from './Notice.tsx'

const words: Record<ConnectionStep, { readonly title: string; readonly text: string }> = {
  loading: { title: 'Nym client', text: 'Loads and starts in a worker of this page.' },
  joining: {
    title: 'Network and gateway',
    text: 'Asks nym-api who mixes today, and registers with a gateway.',
  },
  asking: { title: 'Round trip', text: 'Through three mix nodes to the broadcaster, and back.' },
}

/** What happens between a click and a working mixnet, step by step. */
export function ConnectPanel() {
  const { connection, connect } = useVeilcast()
  const busy = connection.kind === 'connecting'
  const current =
    connection.kind === 'connecting' || connection.kind === 'failed'
      ? connectionSteps.indexOf(connection.step)
      : -1
  return (
    <section className="panel connect" aria-labelledby="connect-title">
      <h2 id="connect-title">Connect to the mixnet</h2>
      <ol className="steps">
        {connectionSteps.map((step, index) => {
          const state = index < current ? 'done' : index > current ? 'next' : busy ? 'now' : 'failed'
          return (
            <li key={step} className={state} aria-current={state === 'now' ? 'step' : undefined}>
              <span className="mark" aria-hidden="true" />
              <strong>{words[step].title}</strong>
              <span>{words[step].text}</span>
              <span className="unseen">{state === 'done' ? 'done' : state === 'now' ? 'under way' : ''}</span>
            </li>
          )
        })}
      </ol>
      {connection.kind === 'failed' && (
        <Notice tone="problem" title={failureTitle(connection.step)}>
          <p>{describeProblem(connection.error)}</p>
        </Notice>
      )}
      <button type="button" className="main" onClick={connect} disabled={busy} aria-busy={busy}>
        {busy ? 'Connecting…' : connection.kind === 'failed' ? 'Try again' : 'Connect'}
      </button>
    </section>
  )
}

function failureTitle(step: ConnectionStep): string {
  return step === 'asking' ? 'The mixnet works, the broadcaster is silent' : 'The mixnet cannot be reached'
}
