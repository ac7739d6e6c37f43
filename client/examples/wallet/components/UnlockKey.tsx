import { useState } from 'react'
import { KeyError } from '../keys/Keys.ts'
import { useWallet } from '../state/WalletContext.ts'
import { Field } from './Field.tsx'

export function UnlockKey() {
  const { unlock, forget } = useWallet()
  const [passphrase, setPassphrase] = useState('')
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)
  const open = async () => {
    setBusy(true)
    setProblem(undefined)
    try {
      await unlock(passphrase)
    } catch (error) {
      setProblem(error instanceof KeyError ? error.message : 'The key could not be opened.')
      setBusy(false)
    }
  }
  return (
    <section className="panel" aria-labelledby="unlock-title">
      <h2 id="unlock-title">Unlock</h2>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          void open()
        }}
      >
        <Field
          label="Passphrase"
          type="password"
          autoComplete="current-password"
          value={passphrase}
          onChange={(event) => setPassphrase(event.target.value)}
          problem={problem}
        />
        <div className="actions">
          <button type="submit" className="main" disabled={busy} aria-busy={busy}>
            {busy ? 'Unlocking…' : 'Unlock'}
          </button>
          <button type="button" className="quiet" onClick={forget}>
            Forget this key
          </button>
        </div>
      </form>
    </section>
  )
}
