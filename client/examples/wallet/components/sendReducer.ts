import type { Quote } from '../chains/Chain.ts'

export interface SendFields {
  readonly chain: string
  readonly to: string
  readonly amount: string
}

export type SendProblems = Partial<Record<'to' | 'amount' | 'form', string>>

/** `quoting`: nonce, gas and fee are asked for. `review`: all is known and nothing is signed. */
export type SendStep =
  | { readonly kind: 'form' }
  | { readonly kind: 'quoting' }
  | { readonly kind: 'review'; readonly quote: Quote }
  | { readonly kind: 'signing'; readonly quote: Quote }

export interface SendState {
  readonly fields: SendFields
  readonly problems: SendProblems
  readonly step: SendStep
}

export type SendAction =
  | { readonly kind: 'typed'; readonly fields: Partial<SendFields> }
  | { readonly kind: 'refused'; readonly problems: SendProblems }
  | { readonly kind: 'asked' }
  | { readonly kind: 'quoted'; readonly quote: Quote }
  | { readonly kind: 'signing' }
  | { readonly kind: 'sent' }
  | { readonly kind: 'back' }

export function sendReducer(state: SendState, action: SendAction): SendState {
  switch (action.kind) {
    case 'typed':
      return { ...state, fields: { ...state.fields, ...action.fields }, problems: {} }
    case 'refused':
      return { ...state, problems: action.problems, step: { kind: 'form' } }
    case 'asked':
      return { ...state, problems: {}, step: { kind: 'quoting' } }
    case 'quoted':
      return { ...state, step: { kind: 'review', quote: action.quote } }
    case 'signing':
      return state.step.kind === 'review'
        ? { ...state, step: { kind: 'signing', quote: state.step.quote } }
        : state
    case 'sent':
      return { fields: { ...state.fields, to: '', amount: '' }, problems: {}, step: { kind: 'form' } }
    case 'back':
      return { ...state, step: { kind: 'form' } }
  }
}
