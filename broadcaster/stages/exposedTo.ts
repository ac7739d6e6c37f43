/** How a record names the endpoints that it was handed to together; no id has a comma. */
export function nameEndpoints(ids: readonly string[]): string {
  return ids.join(',')
}

/** Stands where ids would, where others have the bytes and it is not known who: no id has an asterisk. */
export const exposedByOthers = '*'

/** Ids of the endpoints that a record was handed to last. */
export function endpointsIn(exposedTo: string | null): readonly string[] {
  return exposedTo === null || exposedTo === exposedByOthers ? [] : exposedTo.split(',')
}
