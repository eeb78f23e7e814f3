import { SOURCES, type Source } from './event.ts'

/** A write answers this header; a read of the storefront that carries it waits until it shows that write. */
export const VIEW_TOKEN_HEADER = 'view-token'

/** Names one fact: `/order/orders/17.1` is the first fact of order 17. */
export interface ViewToken {
  readonly source: Source
  readonly aggregateId: string
  readonly version: number
}

export function writeViewToken({ source, aggregateId, version }: ViewToken): string {
  return `${source}/${aggregateId}.${version}`
}

/** Undefined where it is none that `writeViewToken` could have written. */
export function readViewToken(text: string): ViewToken | undefined {
  const found = /^(\/[a-z]+\/[a-z]+)\/([A-Za-z0-9._~-]{1,64})\.([1-9]\d{0,8})$/.exec(text)
  const [, source = '', aggregateId = '', version = ''] = found ?? []
  if (!Object.hasOwn(SOURCES, source)) return undefined
  return { source: source as Source, aggregateId, version: Number(version) }
}
