import { styleText } from 'node:util'
import type { Check } from './checks.ts'

const colours = { ok: 'green', warn: 'yellow', fail: 'red' } as const

/** A line for the check, and below it, indented, what to do. */
export function checkText({ name, result, says, fix }: Check): string {
  const line = `${styleText(colours[result], result.padEnd(4))}  ${name.padEnd(14)}  ${says}`
  return fix === undefined ? line : `${line}\n${indented(fix)}`
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `                      ${line}`)
    .join('\n')
}
