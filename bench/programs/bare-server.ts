import fastify from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { PlaceOrder, PlaceOrderAnswer } from '@timesale/contracts/order-api'

// The limit that accepting orders is measured against: fastify alone, which validates the same request against the same
// schema as strictly, and answers the same bytes at once.

const app = fastify({
  ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, allErrors: false } },
}).withTypeProvider<TypeBoxTypeProvider>()

app.post('/orders', { schema: { body: PlaceOrder, response: { 202: PlaceOrderAnswer } } }, (request, reply) => {
  void reply.code(202).send({ orderId: request.body.orderId ?? '', status: 'PLACED' })
})
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) })
process.send?.({ listening: true })
process.on('SIGTERM', () => process.exit(0))
