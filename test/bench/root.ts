import { fileURLToPath } from 'node:url'

/** The repository's top folder, from where this is built to. */
export const root = fileURLToPath(new URL('../../../../', import.meta.url))
