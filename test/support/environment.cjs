const { TestEnvironment } = require('jest-environment-node')
const { types } = require('node:util')

/**
 * Jest runs tests in a realm of their own, where an error of Node's own (ENOENT, ECONNREFUSED) is no `instanceof Error`, as it is
 * everywhere else. Here it is again.
 */
class OneRealm extends TestEnvironment {
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
}

module.exports = OneRealm
