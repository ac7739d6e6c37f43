import { type ReactNode, useCallback, useEffect, useMemo, useReducer, useRef } from 'react'
import { addressOn } from '../chains/addressOn.ts'
import type { Quote } from '../chains/Chain.ts'
import { openChain } from '../chains/openChain.ts'
import type { WalletConfig } from '../config/WalletConfig.ts'
import { KeyError, type Keys } from '../keys/Keys.ts'
import { dropSecret, findKeptSecret, keepSecret } from '../keys/keepSecret.ts'
import { normaliseSecret, readKeys } from '../keys/readKeys.ts'
import { openSealed, sealSecret } from '../keys/sealSecret.ts'
import { resumeTransfers, sendTransfer } from '../transfers/followTransfer.ts'
import { findTransfers, keepTransfers } from '../transfers/keepTransfers.ts'
import type { Transfer } from '../transfers/Transfer.ts'
import { useVeilcast } from '../veilcast/useVeilcast.ts'
import { describeProblem } from './describeProblem.ts'
import { type Wallet, WalletContext } from './WalletContext.ts'
import { initialState, walletReducer } from './walletReducer.ts'

const storage = () => localStorage
const full = 'This browser’s storage is full or closed: the list of payments would not survive a reload.'
const unreadable =
  'The journal in this browser cannot be read: what was under way when the page was left is not followed.'

export function WalletProvider({ config, children }: { config: WalletConfig; children: ReactNode }) {
  const { client, connection, connect } = useVeilcast()
  const [state, dispatch] = useReducer(walletReducer, undefined, () =>
    initialState(findKeptSecret(storage), findTransfers(storage)),
  )
  const keys = useRef<Keys | undefined>(undefined)
  const chains = useMemo(() => config.chains.map((chain) => openChain(chain, client)), [config, client])
  const connected = connection.kind === 'connected'
  const { transfers, key } = state
  const addresses = key.kind === 'open' ? key.addresses : undefined

  useEffect(() => {
    if (!keepTransfers(storage, transfers)) dispatch({ kind: 'storageNoticed', text: full })
  }, [transfers])

  const refresh = useCallback(() => {
    if (!connected || !addresses) return
    for (const chain of chains) {
      const name = chain.config.chain
      dispatch({ kind: 'balanceAsked', chain: name })
      chain.readBalance(addresses[name] ?? '').then(
        (amount) => dispatch({ kind: 'balanceHeard', chain: name, amount, atMs: Date.now() }),
        (error) => dispatch({ kind: 'balanceFailed', chain: name, error: describeProblem(error) }),
      )
    }
  }, [connected, addresses, chains])
  useEffect(refresh, [refresh])

  // A balance is asked for again when a payment has come into a block, and at no other time: each question is a packet.
  const included = transfers.filter(({ height }) => height !== undefined).length
  const refreshed = useRef(included)
  useEffect(() => {
    if (included > refreshed.current) refresh()
    refreshed.current = included
  }, [included, refresh])

  const changing = useCallback(
    (id: string) => (change: (transfer: Transfer) => Transfer) =>
      dispatch({ kind: 'transferChanged', id, change }),
    [],
  )

  const resume = useCallback(
    (known: readonly Transfer[], wanted: readonly Transfer[]) => {
      const ids = new Set(wanted.map(({ id }) => id))
      const found = (transfer: Transfer) => dispatch({ kind: 'transferStarted', transfer })
      resumeTransfers(client, known, { wanted: ids, change: changing, found }).catch(() =>
        dispatch({ kind: 'storageNoticed', text: unreadable }),
      )
    },
    [client, changing],
  )

  // What was under way when the page was left is asked for, once the page is connected again.
  const left = useRef<readonly Transfer[] | undefined>(transfers)
  useEffect(() => {
    if (left.current?.some(({ progress }) => progress === 'running')) connect()
  }, [connect])
  useEffect(() => {
    if (!connected || !left.current) return
    resume(
      left.current,
      left.current.filter(({ progress }) => progress === 'running'),
    )
    left.current = undefined
  }, [connected, resume])

  const wallet = useMemo((): Wallet => {
    const open = async (secret: string, kept: boolean) => {
      const read = await readKeys(secret)
      const entries = config.chains.map(async (chain) => [chain.chain, await addressOn(chain, read)] as const)
      const addresses = Object.fromEntries(await Promise.all(entries))
      keys.current = read
      dispatch({ kind: 'keyOpened', addresses, kept })
    }
    return {
      state,
      chains,
      async openKey(typed, passphrase) {
        const secret = normaliseSecret(typed)
        await readKeys(secret)
        let kept = false
        if (passphrase !== undefined) {
          kept = keepSecret(storage, await sealSecret(secret, passphrase))
          if (!kept) {
            const text = 'This browser’s storage is full or closed: the key is in memory only.'
            dispatch({ kind: 'storageNoticed', text })
          }
        }
        await open(secret, kept)
      },
      async unlock(passphrase) {
        const found = findKeptSecret(storage)
        if (found.kind !== 'sealed') throw new KeyError('The key in this browser can no longer be read.')
        await open(await openSealed(found.sealed, passphrase), true)
      },
      lock() {
        keys.current = undefined
        dispatch({ kind: 'keyClosed', secret: findKeptSecret(storage) })
      },
      forget() {
        keys.current = undefined
        dropSecret(storage)
        for (const { id, progress } of state.transfers) {
          if (progress === 'ended') dispatch({ kind: 'transferDropped', id })
        }
        dispatch({ kind: 'keyClosed', secret: { kind: 'none' } })
      },
      refresh,
      async quote(name, to, amount) {
        const chain = chains.find(({ config }) => config.chain === name)
        if (!keys.current || !chain) throw new KeyError('There is no open key.')
        return chain.quote(keys.current, to, amount)
      },
      async send(quote: Quote) {
        const { signedTx, txId } = await quote.sign()
        const id = crypto.randomUUID()
        dispatch({
          kind: 'transferStarted',
          transfer: {
            id,
            chain: quote.chain,
            to: quote.to,
            amount: quote.amount.toString(),
            txId,
            sentAtMs: Date.now(),
            progress: 'running',
            stages: [],
            repeated: 0,
          },
        })
        void sendTransfer(client, { chain: quote.chain, signedTx }, changing(id))
      },
      askAgain(id) {
        const transfer = state.transfers.find((other) => other.id === id)
        if (!transfer) return
        const asked: Transfer = { ...transfer, progress: 'running', failure: undefined }
        changing(id)(() => asked)
        resume(state.transfers, [asked])
      },
      drop: (id) => dispatch({ kind: 'transferDropped', id }),
      dismissNotice: () => dispatch({ kind: 'storageNoticed', text: undefined }),
    }
  }, [state, chains, config, client, changing, refresh, resume])

  return <WalletContext value={wallet}>{children}</WalletContext>
}
