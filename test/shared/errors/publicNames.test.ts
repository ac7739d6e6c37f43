import { expect, it } from '@jest/globals'
import * as errors from '@veilcast/shared/errors'

it('exports exactly these names', () => {
  expect(Object.keys(errors).sort()).toEqual([
    'VeilcastError',
    'catalogue',
    'errorNameOf',
    'findVeilcastError',
    'fromWireError',
    'wireError',
  ])
})
