import { maxJsonDepth } from './limits.ts'

/** As JSON.parse, for what is nested less than {@link maxJsonDepth} deep. @throws SyntaxError */
export function parseJson(text: string): unknown {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (inString) {
      if (character === 0x5c) at++
      else if (character === 0x22) inString = false
    } else if (character === 0x22) inString = true
    else if (character === 0x5b || character === 0x7b) {
      depth += 1
      if (depth > maxJsonDepth) throw new SyntaxError('nested too deeply')
    } else if (character === 0x5d || character === 0x7d) depth -= 1
  }
  return JSON.parse(text)
}
