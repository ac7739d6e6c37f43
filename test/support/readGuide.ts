import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { root } from './processes.ts'

/** The files of a guide: each block of code whose opening line names one, as in "```tsx App.tsx". */
export async function readGuide(name: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(root, 'docs/guides', name), 'utf8')
  const blocks = text.matchAll(/^```\w+ ([\w./-]+)\n([\s\S]*?)^```$/gm)
  return new Map([...blocks].map(([, file, code]) => [file!, code!]))
}

/** Writes them into a folder, which has to lie where the libraries are found. */
export async function writeGuide(name: string, folder: string): Promise<void> {
  for (const [file, code] of await readGuide(name)) {
    const path = join(folder, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, code)
  }
}
