import { type BroadcasterConfig, broadcasterConfig, ConfigError } from './config.ts'
import { faultsOf, pathText } from './faultsOf.ts'

/**
 * @param source what the configuration is called in errors
 * @param placeOf where a key was written, as in `line 7`
 * @throws ConfigError with a line for each fault
 */
export function parseConfig(
  value: unknown,
  source: string,
  placeOf: (path: readonly PropertyKey[]) => string | undefined = () => undefined,
): BroadcasterConfig {
  const parsed = broadcasterConfig.safeParse(value)
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues
    .flatMap((issue) => faultsOf(issue, value))
    .map(({ path, text }) => {
      const place = placeOf(path)
      return `  ${pathText(path)}${place ? ` (${place})` : ''}: ${text}`
    })
  throw new ConfigError(`${source} is no valid configuration:\n${lines.join('\n')}`)
}
