const { TestEnvironment } = require('jest-environment-node')
const { types } = require('node:util')

/** A limit ends what hangs, and says nothing of what is quick: on a machine that does five things at once all take longer. */
const patience = 3

/**
 * Jest runs tests in a realm of their own, where an error of Node's own (ENOENT, ECONNREFUSED) is no `instanceof Error`, as it is
 * everywhere else. Here it is again. The limits of tests and hooks are taken for those of an idle machine.
 */
class PatientRealm extends TestEnvironment {
  #patient = new WeakSet()

  constructor(...parameters) {
    super(...parameters)
    const { Error: InnerError } = this.global
    const ordinary = Function.prototype[Symbol.hasInstance]
    Object.defineProperty(InnerError, Symbol.hasInstance, {
      value(value) {
        return ordinary.call(this, value) || (this === InnerError && types.isNativeError(value))
      },
    })
  }

  handleTestEvent({ name, test, hook }, { testTimeout }) {
    const limited = name === 'hook_start' ? hook : name === 'test_fn_start' ? test : undefined
    // A hook starts before each test.
    if (limited === undefined || this.#patient.has(limited)) return
    this.#patient.add(limited)
    limited.timeout = (limited.timeout || testTimeout) * patience
  }
}

module.exports = PatientRealm
