import type { RecordView } from '@timesale/contracts/console-api'

type Bytes = NonNullable<RecordView['value']>

/** Whether only the beginning is told: lists leave out what is long. */
export function isCut({ encoding, text, bytes }: Bytes): boolean {
  const told = encoding === 'utf8' ? new TextEncoder().encode(text).length : bytesOfBase64(text)
  return told < bytes
}

function bytesOfBase64(text: string): number {
  return Math.floor((text.replace(/=+$/, '').length * 3) / 4)
}
