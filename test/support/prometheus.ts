import { describe } from '@jest/globals'
import { findOnPath } from './store.ts'

export const prometheus = findOnPath('prometheus')
export const promtool = findOnPath('promtool')

/** A suite that needs Prometheus and its promtool: without them it is skipped, and its title says how to have them. */
export const describeWithPrometheus =
  prometheus && promtool
    ? describe
    : (name: string, suite: () => void) =>
        describe.skip(`${name} (no prometheus and promtool on the PATH: apt install prometheus)`, suite)
