import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'

/** Takes bodies of JSON as bytes: whoever they are for reads them, and nobody in between may read them otherwise. */
export function takeRawJson(app: HttpServer): void {
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const field = 'content-encoding'
    if (request.headers[field] === undefined) return done(null, body)
    const message = 'must be absent: bodies are taken as they are'
    done(new Refusal('unsupported-media-type', { errors: [{ field, message }] }, `${field} ${message}`))
  })
}
