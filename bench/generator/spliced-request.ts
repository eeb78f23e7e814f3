/** A request as bytes, of which little changes from one sending to the next. */
export interface SplicedRequest {
  readonly bytes: Buffer
  /**
   * Writes the numbers of an order and of a product into it. In place: one request a connection is under way, and nobody
   * looks at its bytes any more when the next one is written.
   */
  splice(order: number, product: number): void
}

/** Writes a number over so many digits. */
export function writeDigits(bytes: Buffer, at: number, digits: number, number: number): void {
  let rest = number
  for (let place = at + digits - 1; place >= at; place -= 1) {
    bytes[place] = ZERO + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}

const ZERO = 48

/** The head of a request to a port of the loopback, without the empty line at its end. */
export function requestHead(line: string, port: number, headers: Readonly<Record<string, string | undefined>>): string {
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
  return [`${line} HTTP/1.1`, `host: 127.0.0.1:${port}`, ...lines].join('\r\n')
}
