/** What the generator looks at in an HTTP answer. */
export interface Answer {
  readonly status: number
  /** Bytes of the whole answer: the next one begins there. */
  readonly length: number
  /** The server hangs up after it. */
  readonly isLast: boolean
}

const HEAD_END = '\r\n\r\n'
const CONTENT_LENGTH = '\r\ncontent-length: '
const CLOSE = '\r\nconnection: close\r\n'

/**
 * The first answer in `text`, a byte a letter; undefined while it is not whole. Only what our own servers send: HTTP/1.1
 * with a content-length. Throws on anything else.
 */
export function readAnswer(text: string): Answer | undefined {
  const headEnd = text.indexOf(HEAD_END)
  if (headEnd < 0) return undefined
  if (!text.startsWith('HTTP/1.1 ')) throw new Error(`No answer of HTTP/1.1: ${text.slice(0, 40)}`)
  const status = Number(text.slice(9, 12))
  const head = text.slice(0, headEnd + 2).toLowerCase()
  const at = head.indexOf(CONTENT_LENGTH)
  if (at < 0 || Number.isNaN(status)) throw new Error(`An answer without a length: ${head}`)
  const start = at + CONTENT_LENGTH.length
  const length = headEnd + HEAD_END.length + Number(head.slice(start, head.indexOf('\r\n', start)))
  return text.length < length ? undefined : { status, length, isLast: head.includes(CLOSE) }
}
