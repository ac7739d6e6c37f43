import { useEffect, useState } from 'react'
import { type LoadedConfig, loadConfig } from '../config/loadConfig.ts'
import { ConfigError } from '../config/parseConfig.ts'
import { WalletProvider } from '../state/WalletProvider.tsx'
import { VeilcastProvider } from '../veilcast/VeilcastProvider.tsx'
import { ConfigProblem } from './ConfigProblem.tsx'
import { Page } from './Page.tsx'

export function App() {
  const [loaded, setLoaded] = useState<LoadedConfig | { readonly problem: string }>()
  useEffect(() => {
    const leaving = new AbortController()
    loadConfig(new URL(location.href), leaving.signal).then(setLoaded, (error) => {
      if (leaving.signal.aborted) return
      setLoaded({
        problem: error instanceof ConfigError ? error.message : 'The config could not be loaded.',
      })
    })
    return () => leaving.abort()
  }, [])
  if (!loaded) return null
  if ('problem' in loaded) return <ConfigProblem problem={loaded.problem} />
  return (
    <VeilcastProvider config={loaded.config}>
      <WalletProvider config={loaded.config}>
        <Page fromLink={loaded.source === 'link'} />
      </WalletProvider>
    </VeilcastProvider>
  )
}
