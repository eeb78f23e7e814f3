import { styleText } from 'node:util'
import { exampleProduct } from '../shop/catalogue.ts'
import type { DataFolder } from '../shop/data-folder.ts'
import { demoPassword, demoPeople } from '../shop/demo-people.ts'
import { serviceNames } from '../shop/ports.ts'
import type { Shop } from '../shop/shop.ts'

interface Opened {
  readonly seconds: string
  readonly folder: DataFolder
  /** Whether the commands look there by themselves. */
  readonly isUsual: boolean
  /** Whether nobody gets into its services without one; then everybody comes in by the gateway. */
  readonly needsToken: boolean
}

/** Where to look, and what to try. */
export function banner(shop: Shop, { seconds, folder, isUsual, needsToken }: Opened): string {
  const option = isUsual ? '' : ` --data ${quoted(folder.path)}`
  return [
    '',
    styleText('bold', `The shop is open (after ${seconds} s).`),
    '',
    `  ${'Console'.padEnd(13)} http://localhost:${shop.ports.service('gateway')}/`,
    ...serviceNames.map((name) => `  ${name.padEnd(13)} http://localhost:${shop.ports.service(name)}/docs`),
    `  ${'Kafka'.padEnd(13)} ${shop.kafkaBrokers}`,
    `  ${'Configuration'.padEnd(13)} http://localhost:${shop.ports.config} (user timesale, configPassword of ${folder.secrets})`,
    '',
    `  ${'People'.padEnd(13)} ${demoPeople.map(({ email }) => email.split('@')[0]).join(', ')} (@timesale.example), password ${demoPassword}`,
    '',
    styleText('bold', 'Try:'),
    ...(needsToken ? throughTheGateway(shop) : straightToOrder(shop)),
    `  curl ${gateway(shop)}/products/${exampleProduct}`,
    `  ${isUsual ? '' : `TIMESALE_DATA=${quoted(folder.path)} `}npm run kafka -- console-consumer --topic order-topic --from-beginning`,
    `  npm run part -- kill stock${option}      then order, look at the lag, and: npm run part -- start stock${option}`,
    `  npm run status${isUsual ? '' : ` --${option}`}`,
    '',
    'Ctrl-C stops everything; what was ordered is there again at the next start.',
    '',
  ].join('\n')
}

const asJson = "-H 'content-type: application/json' -d"
const offer = JSON.stringify({ orderId: '1', productId: exampleProduct, quantity: 2 })

function straightToOrder(shop: Shop): string[] {
  const orders = `http://localhost:${shop.ports.service('order')}/orders`
  return [`  curl -X POST ${orders} ${asJson} '${offer}'`, `  curl ${orders}/1`]
}

function throughTheGateway(shop: Shop): string[] {
  const orders = `${gateway(shop)}/orders`
  const [{ email }] = demoPeople
  const as = '-H "authorization: Bearer $TOKEN"'
  const logIn = `curl -s ${gateway(shop)}/account/log-in ${asJson} '${JSON.stringify({ email, password: demoPassword })}'`
  return [
    `  TOKEN=$(${logIn} | sed -E 's/.*"accessToken":"([^"]+)".*/\\1/')`,
    `  curl -X POST ${orders} ${as} ${asJson} '${offer}'`,
    `  curl ${orders}/1 ${as}`,
  ]
}

function gateway(shop: Shop): string {
  return `http://localhost:${shop.ports.service('gateway')}/api`
}

/** As a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}
