/** Who can reach the dashboard, as far as its configuration tells. */
export interface HttpReach {
  readonly host: string
  readonly trustProxy?: readonly string[] | undefined
  readonly allowedHosts?: readonly string[] | undefined
}

/** True where others than this machine's own programs may come: then all but health asks for a login. */
export function isExposed({ host, trustProxy = [], allowedHosts = [] }: HttpReach): boolean {
  return !isLoopbackHost(host) || trustProxy.length > 0 || allowedHosts.length > 0
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}
