import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const scratchFolder = (home: string) => join(home, 'tmp')

/** simd leaves a folder among the temporary ones each time that it runs: with this environment they lie in its home. */
export async function withScratchFolder(home: string): Promise<NodeJS.ProcessEnv> {
  const folder = scratchFolder(home)
  await mkdir(folder, { recursive: true })
  return { ...process.env, TMPDIR: folder }
}

export async function emptyScratchFolder(home: string): Promise<void> {
  await rm(scratchFolder(home), { recursive: true, force: true })
}
