import proxy from '@fastify/http-proxy'
import fastify from 'fastify'

// The limit that the gateway is measured against: fastify and its own proxy, which looks at nobody's token and counts nothing.

const [port, upstream = ''] = process.argv.slice(2)

const app = fastify()
await app.register(proxy, { upstream, prefix: '/api', rewritePrefix: '/' })
await app.listen({ host: '127.0.0.1', port: Number(port) })
process.send?.({ listening: true })
process.on('SIGTERM', () => process.exit(0))
