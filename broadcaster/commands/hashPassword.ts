import { ConfigError } from '../config/config.ts'
import { hashPassword } from '../dashboard/auth/passwordHash.ts'
import { askPassword } from './askPassword.ts'

/** Asks for a password and prints its hash, which is all that the configuration needs to know of it. @throws ConfigError */
export async function hashPasswordCommand(): Promise<void> {
  try {
    process.stdout.write(`${await hashPassword(await askPassword())}\n`)
  } catch (error) {
    throw error instanceof RangeError ? new ConfigError(error.message) : error
  }
}
