import fastify from 'fastify'

// Fastify alone, which answers each product with the same bytes: the limit that pages are measured against, and what stands
// behind the gateway, for all services, while that is measured. It is the account service as well, as far as keys go.

/** What it is started with. */
export interface BarePagesOptions {
  readonly port: number
  /** JSON. */
  readonly page: string
  /** A JSON Web Key Set. */
  readonly keys: string
}

const { port, page, keys } = JSON.parse(process.argv[2] ?? '{}') as BarePagesOptions
const type = 'application/json; charset=utf-8'
let pages = 0

const app = fastify()
app.get('/products/:productId', (_request, reply) => {
  pages += 1
  return reply.header('content-type', type).send(page)
})
app.get('/.well-known/jwks.json', (_request, reply) => reply.header('content-type', type).send(keys))
app.get('/readyz', () => ({ status: 'ready' }))
await app.listen({ host: '127.0.0.1', port })
process.send?.({ listening: true })
process.on('message', () => process.send?.({ pages }))
process.on('SIGTERM', () => process.exit(0))
