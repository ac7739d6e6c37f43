import { createClient } from '@veilcast/client'
import { createIndexedDbJournal } from '@veilcast/client/journal/indexed-db'
import { createNymSdkDialer } from '@veilcast/client/nym-sdk'
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { WalletConfig } from '../config/WalletConfig.ts'
import type { Connection, ConnectionStep } from './Connection.ts'
import { tellSteps } from './tellSteps.ts'
import { VeilcastContext } from './VeilcastContext.ts'

const infoTimeoutMs = 30_000

/** One client for the page: it is made once, connected when somebody says so, and stopped with the provider. */
export function VeilcastProvider({ config, children }: { config: WalletConfig; children: ReactNode }) {
  const [connection, setConnection] = useState<Connection>({ kind: 'offline' })
  const step = useRef<(step: ConnectionStep) => void>(() => undefined)
  const client = useMemo(() => {
    const mixnet = createNymSdkDialer({
      nymApiUrl: config.nymApiUrl,
      ...(config.gateway === undefined ? {} : { preferredGateway: config.gateway }),
      sdk: tellSteps((reached) => step.current(reached)),
    })
    return createClient({ mixnet, broadcasters: config.broadcasters, journal: createIndexedDbJournal() })
  }, [config])
  const running = useRef(false)

  const connect = useCallback(async () => {
    if (running.current) return
    running.current = true
    const sinceMs = performance.now()
    let reached: ConnectionStep = 'loading'
    step.current = (next) => {
      reached = next
      setConnection({ kind: 'connecting', step: next, sinceMs })
    }
    step.current('loading')
    try {
      await client.start()
      step.current('asking')
      const info = await client.info({}, { timeoutMs: infoTimeoutMs })
      setConnection({ kind: 'connected', info, tookMs: performance.now() - sinceMs })
    } catch (error) {
      setConnection({ kind: 'failed', step: reached, error })
    }
    step.current = () => undefined
    running.current = false
  }, [client])

  useEffect(() => {
    const stop = () => void client.stop()
    // A page that goes away does not run its effects' ends.
    addEventListener('pagehide', stop)
    return () => {
      removeEventListener('pagehide', stop)
      stop()
    }
  }, [client])

  const value = useMemo(
    () => ({ client, connection, connect: () => void connect() }),
    [client, connection, connect],
  )
  return <VeilcastContext value={value}>{children}</VeilcastContext>
}
