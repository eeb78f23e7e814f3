import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** A request as it reached a stand-in. */
interface Reached {
  readonly method: string
  readonly url: string
  /** Name, value, name, value. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export type Behaviour = (request: Reached, answer: ServerResponse, raw: IncomingMessage) => void

/** An instance of a service for tests: ready, and behaving as it is told. */
export interface StandIn extends AsyncDisposable {
  readonly url: string
  /** All but /readyz, in the order in which they came. */
  readonly reached: Reached[]
  behave: Behaviour
  isReady: boolean
  /** Hangs up on everybody and is gone; `start` brings it back on the same port. */
  stop(): Promise<void>
  start(): Promise<void>
}

export function answerJson(body: unknown, status = 200, headers: Record<string, string> = {}): Behaviour {
  return (_request, answer) => {
    answer.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    answer.end(JSON.stringify(body))
  }
}

/** `aside`: what is answered without being counted, by path. */
export async function startStandIn(
  port: number,
  { aside = () => undefined }: { aside?: (path: string) => unknown } = {},
): Promise<StandIn> {
  const server = createServer((raw, answer) => {
    const chunks: Buffer[] = []
    raw.on('data', (chunk: Buffer) => chunks.push(chunk))
    raw.on('error', () => undefined)
    raw.on('end', () => {
      const { method = '', url = '', headers } = raw
      if (url === '/readyz') {
        answer.writeHead(standIn.isReady ? 200 : 503)
        answer.end()
        return
      }
      const known = aside(url)
      const request = { method, url, headers, body: Buffer.concat(chunks).toString('utf8') }
      if (known !== undefined) return answerJson(known)(request, answer, raw)
      standIn.reached.push(request)
      standIn.behave(request, answer, raw)
    })
  })
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  const standIn: StandIn = {
    url: `http://127.0.0.1:${port}`,
    reached: [],
    behave: answerJson({ ok: true }),
    isReady: true,
    stop,
    async start() {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    [Symbol.asyncDispose]: stop,
  }
  await standIn.start()
  return standIn
}
