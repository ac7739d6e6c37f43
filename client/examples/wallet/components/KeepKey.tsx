import { Field } from './Field.tsx'
import type { KeyForm } from './useKeyForm.ts'

/** Whether the key outlives the page, and under which passphrase. */
export function KeepKey({ form }: { form: KeyForm }) {
  return (
    <>
      <label className="tick">
        <input type="checkbox" checked={form.keep} onChange={(event) => form.setKeep(event.target.checked)} />
        <span>
          Keep it in this browser
          <small>Encrypted under a passphrase. Otherwise it is gone when the page is closed.</small>
        </span>
      </label>
      {form.keep && (
        <Field
          label="Passphrase"
          type="password"
          autoComplete="new-password"
          value={form.passphrase}
          onChange={(event) => form.setPassphrase(event.target.value)}
          problem={form.passphraseProblem}
        />
      )}
    </>
  )
}
