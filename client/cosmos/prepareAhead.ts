import type { Wait } from './Wait.ts'
import { waitAtMost } from './waitAtMost.ts'

type Params = Readonly<Record<string, unknown>>

export interface Preparation {
  status(wait: Wait): Promise<unknown>
  query(params: Params, wait: Wait): Promise<unknown>
}

export const accountPath = '/cosmos.auth.v1beta1.Query/Account'

const simulatePath = '/cosmos.tx.v1beta1.Service/Simulate'
/** Between one step of a preparation and the next, which follows at once where it follows at all. */
const stepMs = 2_000
/** Oldest answer that is given instead of a new one. */
const maxAgeMs = 15_000
/** A wallet that never asks for the status after an account does not sign. */
const maxInVain = 3

/**
 * Before it signs, CosmJS asks for the account, then for the status because of the chain id; with fee `auto` for the account,
 * a simulation, the account again and the status. One after the other they cost two and four round trips. Here the status
 * goes along with the account until it was asked for once; and a simulation that passed has checked the sequence (the SDK's
 * ante handler compares it there too), so that the same account query, when it follows at once, is answered from memory, once.
 *
 * @param read asks the chain; reads of the same tick share a message
 * @param epoch another number once what was read before is old
 */
export function prepareAhead(
  read: (method: string, params: Params, wait: Wait) => Promise<unknown>,
  epoch: () => number,
): Preparation {
  let isStatusKnown = false
  let inVain = 0
  let status: Ahead | undefined
  let account: AccountAhead | undefined

  const askStatusAhead = (wait: Wait) => {
    if (isStatusKnown || inVain >= maxInVain || (status && isUsable(status, epoch()))) return
    inVain += 1
    status = aheadOf(read('status', {}, { signal: undefined, timeoutMs: wait.timeoutMs }), epoch())
  }

  const askAccount = async (params: Params, wait: Wait): Promise<unknown> => {
    const key = JSON.stringify(params)
    const known = account
    if (known?.isChecked && known.key === key && isUsable(known, epoch())) {
      account = undefined
      return known.promise
    }
    const began = epoch()
    const asked = read('abci_query', params, wait)
    askStatusAhead(wait)
    const answer = await asked
    if (isPositive(answer)) account = Object.assign(aheadOf(asked, began), { key, isChecked: false })
    return answer
  }

  const simulate = async (params: Params, wait: Wait): Promise<unknown> => {
    const began = epoch()
    const before = {
      status: status && isUsable(status, began) ? status : undefined,
      account: account && isUsable(account, began) ? account : undefined,
    }
    const answer = await read('abci_query', params, wait)
    if (!isPositive(answer)) return answer
    const usableUntilMs = performance.now() + stepMs
    if (before.status) before.status.usableUntilMs = usableUntilMs
    if (before.account) {
      before.account.usableUntilMs = usableUntilMs
      before.account.isChecked = true
    }
    return answer
  }

  return {
    async status(wait) {
      isStatusKnown = true
      const ahead = status
      status = undefined
      if (ahead && isUsable(ahead, epoch())) {
        const answer = await waitAtMost(ahead.promise, wait)
        if (answer !== undefined) return answer
      }
      return read('status', {}, wait)
    },
    query(params, wait) {
      if (params.path === accountPath && params.height === undefined) return askAccount(params, wait)
      return params.path === simulatePath ? simulate(params, wait) : read('abci_query', params, wait)
    },
  }
}

/** An answer before it is asked for. */
interface Ahead {
  /** Never rejects: undefined where there is none. */
  readonly promise: Promise<unknown>
  /** In which it was asked for. */
  readonly epoch: number
  /** By performance.now(), as the others; undefined while it is on its way. */
  arrivedAtMs: number | undefined
  usableUntilMs: number
}

interface AccountAhead extends Ahead {
  readonly key: string
  /** A simulation has compared its sequence. */
  isChecked: boolean
}

function aheadOf(asked: Promise<unknown>, epoch: number): Ahead {
  const ahead: Ahead = {
    promise: asked.then(
      (answer) => {
        ahead.arrivedAtMs = performance.now()
        ahead.usableUntilMs = ahead.arrivedAtMs + stepMs
        return answer
      },
      () => undefined,
    ),
    epoch,
    arrivedAtMs: undefined,
    usableUntilMs: Number.POSITIVE_INFINITY,
  }
  return ahead
}

function isUsable({ epoch, arrivedAtMs, usableUntilMs }: Ahead, epochNow: number): boolean {
  const now = performance.now()
  if (epoch !== epochNow) return false
  return arrivedAtMs === undefined || (now <= usableUntilMs && now <= arrivedAtMs + maxAgeMs)
}

/** An `abci_query` that the application answered with code 0. */
function isPositive(answer: unknown): boolean {
  const { response } = (answer ?? {}) as { response?: { code?: unknown } | null }
  return response !== undefined && response !== null && !response.code
}
