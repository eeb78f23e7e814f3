import { styleText } from 'node:util'
import { exampleProduct } from '../shop/catalogue.ts'
import { demoPassword, demoPeople } from '../shop/demo-people.ts'
import { serviceNames } from '../shop/ports.ts'
import type { Shop } from '../shop/shop.ts'

/** Where to look, and what to try. */
export function banner(shop: Shop, seconds: string): string {
  const order = `http://localhost:${shop.ports.service('order')}`
  const offers = JSON.stringify({ orderId: '1', productId: exampleProduct, quantity: 2 })
  return [
    '',
    styleText('bold', `The shop is open (after ${seconds} s).`),
    '',
    ...serviceNames.map((name) => `  ${name.padEnd(13)} http://localhost:${shop.ports.service(name)}/docs`),
    `  ${'Kafka'.padEnd(13)} ${shop.kafkaBrokers}`,
    '',
    `  ${'People'.padEnd(13)} ${demoPeople.map(({ email }) => email.split('@')[0]).join(', ')} (@timesale.example), password ${demoPassword}`,
    '',
    styleText('bold', 'Try:'),
    `  curl -X POST ${order}/orders -H 'content-type: application/json' -d '${offers}'`,
    `  curl ${order}/orders/1`,
    `  curl http://localhost:${shop.ports.service('gateway')}/api/products/${exampleProduct}`,
    '  npm run kafka -- console-consumer --topic order-topic --from-beginning',
    '  npm run part -- kill stock      then order, look at the lag, and: npm run part -- start stock',
    '  npm run status',
    '',
    'Ctrl-C stops everything; what was ordered is there again at the next start.',
    '',
  ].join('\n')
}
