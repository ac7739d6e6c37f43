import { existsSync } from 'node:fs'
import { describe } from '@jest/globals'

const usual = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

const { CHROMIUM_PATH } = process.env

/** The one that CHROMIUM_PATH names, else the system's. Undefined where there is none. */
export const chromiumPath = (CHROMIUM_PATH ? [CHROMIUM_PATH] : usual).find((path) => existsSync(path))

/** A suite that needs a browser: without one it is skipped, and its title says how to have it. */
export const describeInChromium = chromiumPath
  ? describe
  : (name: string, suite: () => void) =>
      describe.skip(`${name} (no Chromium: apt install chromium, or name one in CHROMIUM_PATH)`, suite)
