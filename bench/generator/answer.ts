/** What the generator looks at in an HTTP answer. */
export interface Answer {
  readonly status: number
  /** Bytes of the whole answer: the next one begins there. */
  readonly length: number
}

const HEAD_END = '\r\n\r\n'
const CONTENT_LENGTH = '\r\ncontent-length: '

/**
 * The first answer in `text`, a byte a letter; undefined while it is not whole. Only what our own servers send: HTTP/1.1
 * with a content-length. Throws on anything else.
 */
export function readAnswer(text: string): Answer | undefined {
  const headEnd = text.indexOf(HEAD_END)
  if (headEnd < 0) return undefined
  if (!text.startsWith('HTTP/1.1 ')) throw new Error(`No answer of HTTP/1.1: ${text.slice(0, 40)}`)
  const status = Number(text.slice(9, 12))
  const at = text.toLowerCase().indexOf(CONTENT_LENGTH)
  if (at < 0 || at > headEnd || Number.isNaN(status))
    throw new Error(`An answer without a length: ${text.slice(0, headEnd)}`)
  const start = at + CONTENT_LENGTH.length
  const length = headEnd + HEAD_END.length + Number(text.slice(start, text.indexOf('\r\n', start)))
  return text.length < length ? undefined : { status, length }
}
