import type { IncomingMessage } from 'node:http'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from './server.ts'

/**
 * Refuses what leaves open for whom a request is, whose it is or what its body is: no `host` (RFC 9112, 3.2), or `host`,
 * `content-type` or `authorization` twice. Node would take the first and say nothing; a proxy in front may take the last.
 */
export function refuseAmbiguous(app: HttpServer): void {
  app.addHook('onRequest', (request, _reply, goOn) => {
    const { raw } = request
    const hosts = countOf(raw, 'host')
    if (hosts === 0 && raw.httpVersion !== '1.0') return goOn(refused('host', 'is missing'))
    if (hosts > 1) return goOn(refused('host', TWICE))
    if (countOf(raw, 'content-type') > 1) return goOn(refused('content-type', TWICE))
    goOn()
  })
  // After all that ask who calls: where that is asked, two tokens are a 401 that is counted like any other.
  app.addHook('preParsing', (request, _reply, _body, goOn) => {
    goOn(countOf(request.raw, 'authorization') > 1 ? refused('authorization', TWICE) : null)
  })
}

const TWICE = 'is there twice'

// Looked at for each request: most names are told by their length.
function countOf({ rawHeaders }: IncomingMessage, name: string): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const one = rawHeaders[index]
    if (one?.length === name.length && one.toLowerCase() === name) count += 1
  }
  return count
}

function refused(field: string, message: string): Refusal {
  return new Refusal('invalid-request', { errors: [{ field, message }] }, `${field} ${message}`)
}
