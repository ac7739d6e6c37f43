import { useState } from 'react'
import { useWallet } from '../state/WalletContext.ts'
import { Field } from './Field.tsx'
import { KeepKey } from './KeepKey.tsx'
import { useKeyForm } from './useKeyForm.ts'

export function ImportKey() {
  const { openKey } = useWallet()
  const form = useKeyForm()
  const [secret, setSecret] = useState('')
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void form.run((passphrase) => openKey(secret, passphrase))
      }}
    >
      <Field
        label="Recovery phrase or private key"
        type="password"
        value={secret}
        onChange={(event) => setSecret(event.target.value)}
        hint="12 or 24 words, or 64 hex digits. It never leaves this page."
        problem={form.problem}
      />
      <KeepKey form={form} />
      <button type="submit" className="main" disabled={form.busy} aria-busy={form.busy}>
        {form.busy ? 'Opening…' : 'Open'}
      </button>
    </form>
  )
}
