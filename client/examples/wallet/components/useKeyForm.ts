import { useState } from 'react'
import { KeyError } from '../keys/Keys.ts'
import { minPassphraseLength } from '../keys/sealSecret.ts'

export interface KeyForm {
  readonly keep: boolean
  setKeep(keep: boolean): void
  readonly passphrase: string
  setPassphrase(text: string): void
  readonly passphraseProblem: string | undefined
  readonly problem: string | undefined
  readonly busy: boolean
  /** Opens the key by `act`, with the passphrase where it shall be kept. */
  run(act: (passphrase: string | undefined) => Promise<void>): Promise<void>
}

/** What the forms for a new and an imported key have in common. */
export function useKeyForm(): KeyForm {
  const [keep, setKeep] = useState(false)
  const [passphrase, setPassphrase] = useState('')
  const [passphraseProblem, setPassphraseProblem] = useState<string>()
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)
  return {
    keep,
    setKeep,
    passphrase,
    setPassphrase,
    passphraseProblem,
    problem,
    busy,
    async run(act) {
      const short = keep && passphrase.length < minPassphraseLength
      setPassphraseProblem(
        short
          ? `Take at least ${minPassphraseLength} characters: whoever gets this browser’s files can guess on.`
          : undefined,
      )
      setProblem(undefined)
      if (short) return
      setBusy(true)
      try {
        await act(keep ? passphrase : undefined)
      } catch (error) {
        setProblem(error instanceof KeyError ? error.message : 'The key could not be opened.')
      } finally {
        setBusy(false)
      }
    },
  }
}
