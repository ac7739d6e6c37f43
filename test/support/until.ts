import { setTimeout as delay } from 'node:timers/promises'

/** Looks again and again, for two minutes at most, so that a test which fails also ends. */
export async function until(condition: () => boolean | Promise<boolean>, everyMs = 20): Promise<void> {
  const deadlineMs = Date.now() + 120_000
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error('What was waited for did not happen.')
    await delay(everyMs)
  }
}
