import { blockedAt, portOffsetMax } from '../shop/ports.ts'
import { wholeNumber, WrongUsage } from './command-line.ts'

/** The value of `--port-offset`, where it is given. */
export function portOffsetOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const offset = wholeNumber('port-offset', text, { min: 0, max: portOffsetMax })
  const blocked = blockedAt(offset)
  if (blocked === undefined) return offset
  const { name, port } = blocked
  throw new WrongUsage(
    `Option '--port-offset' cannot be ${text}: ${name} would get port ${port}, which no browser calls. Take 1000 or 3000, say.`,
  )
}
