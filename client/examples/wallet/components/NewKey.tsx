import { useState } from 'react'
import { newPhrase } from '../keys/newPhrase.ts'
import { useWallet } from '../state/WalletContext.ts'
import { KeepKey } from './KeepKey.tsx'
import { useKeyForm } from './useKeyForm.ts'

export function NewKey() {
  const { openKey } = useWallet()
  const form = useKeyForm()
  const [phrase, setPhrase] = useState<string>()
  if (phrase === undefined) {
    return (
      <button type="button" className="main" onClick={() => setPhrase(newPhrase())}>
        Make a recovery phrase
      </button>
    )
  }
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void form.run((passphrase) => openKey(phrase, passphrase))
      }}
    >
      <p className="hint">Write these twelve words down, in this order. They are the key.</p>
      <ol className="words" aria-label="Recovery phrase">
        {phrase.split(' ').map((word, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a word may come twice; its place is what it is
          <li key={index}>{word}</li>
        ))}
      </ol>
      <KeepKey form={form} />
      {form.problem && (
        <p className="problem" role="alert">
          {form.problem}
        </p>
      )}
      <button type="submit" className="main" disabled={form.busy} aria-busy={form.busy}>
        {form.busy ? 'Opening…' : 'I wrote them down'}
      </button>
    </form>
  )
}
