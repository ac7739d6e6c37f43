/** Where a command speaks. */
export interface Terminal {
  print(text: string): void
  /** One line that is written over by the next, for who watches; nothing where nobody does. */
  progress(text: string): void
}

export const terminal: Terminal = {
  print: (text) => void process.stdout.write(text),
  progress(text) {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
  },
}
