import { useState } from 'react'
import { useWallet } from '../state/WalletContext.ts'
import { ImportKey } from './ImportKey.tsx'
import { NewKey } from './NewKey.tsx'
import { Notice } from './Notice.tsx'
import { UnlockKey } from './UnlockKey.tsx'

/** No key is open: make one, import one, or unlock the one that this browser keeps. */
export function KeyPanel() {
  const { key } = useWallet().state
  const [way, setWay] = useState<'new' | 'import'>('new')
  if (key.kind === 'locked') return <UnlockKey />
  return (
    <section className="panel" aria-labelledby="key-title">
      <h2 id="key-title">A test key</h2>
      {key.kind === 'none' && key.unreadable && (
        <Notice tone="careful" title="The key that this browser kept cannot be read">
          <p>Import it again from its phrase. Nothing is lost on the chains.</p>
        </Notice>
      )}
      <p className="lead">
        One recovery phrase for every chain. This is an example: never use a key that holds real money.
      </p>
      <fieldset className="switch">
        <legend className="unseen">How to get a key</legend>
        <div>
          {(['new', 'import'] as const).map((one) => (
            <label key={one}>
              <input type="radio" name="way" checked={way === one} onChange={() => setWay(one)} />
              <span>{one === 'new' ? 'Make a new one' : 'Import one'}</span>
            </label>
          ))}
        </div>
      </fieldset>
      {way === 'new' ? <NewKey /> : <ImportKey />}
    </section>
  )
}
