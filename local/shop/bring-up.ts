import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '@timesale/process/deadline'
import { messageOf } from '@timesale/process/message-of'
import { provision } from '../../provision/provision.ts'
import type { AsOperator } from './as-operator.ts'
import { exampleProduct, putCatalogueOnSale } from './catalogue.ts'
import { Complaint } from '../commands/command-line.ts'
import type { DataFolder } from './data-folder.ts'
import { letDemoPeopleIn } from './demo-people.ts'
import { lastLines } from '../supervisor/log-tail.ts'
import { readableLine } from '../supervisor/log-lines.ts'
import type { Part } from '../part.ts'
import { askHealth } from './service-part.ts'
import type { Shop } from './shop.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Terminal } from '../commands/terminal.ts'

// A slow laptop's first start of a broker takes 20 s; a part that needs three times that will not come.
const READY_WITHIN_MS = 60_000
// What has to be fetched may come slowly.
const PREPARED_WITHIN_MS = 15 * 60_000
const deathsMax = 3
const logLinesShown = 15

interface BringUp {
  readonly shop: Shop
  readonly supervisor: Supervisor
  readonly folder: DataFolder
  readonly terminal: Terminal
}

/** From nothing to a shop in which the example can be ordered; throws a complaint when some part does not come up. */
export async function bringUp(shop: BringUp): Promise<void> {
  const { terminal } = shop
  terminal.step('Databases, Kafka and Redis')
  await Promise.all(shop.shop.infrastructure.map((part) => prepareAndStart(part, shop)))

  terminal.step('Tables, roles and topics')
  await provisionShop(shop)

  terminal.step('Services')
  await Promise.all(shop.shop.services.map((part) => prepareAndStart(part, shop)))
  await Promise.all(shop.shop.services.map((part) => consumerJoined(part, shop)))
  await demoPeopleKnown(shop)
  await catalogueOrderable(shop)
}

async function prepareAndStart(part: Part, bring: BringUp): Promise<void> {
  const { supervisor } = bring
  const runner = supervisor.runner(part.name)
  try {
    await within(PREPARED_WITHIN_MS, part.prepare(), () => new Error('Its preparation did not end within 15 minutes'))
  } catch (error) {
    throw new Complaint(`${part.name} cannot be prepared.\n${messageOf(error)}`)
  }
  stopIfStopping(supervisor)
  await runner.start()
  // Paused or stopped by hand meanwhile is the person's own wish.
  const settled = () => ['running', 'paused', 'stopped'].includes(runner.state) || runner.deaths >= deathsMax
  const inTime = await runner.until(settled, READY_WITHIN_MS)
  stopIfStopping(supervisor)
  if (inTime && runner.deaths < deathsMax) return
  const why =
    runner.deaths > 0 ? `it ${runner.lastDeath}` : `it did not become ready within ${READY_WITHIN_MS / 1000} s`
  throw new Complaint(`${part.name} does not come up: ${why}.\n${logEnd(part, bring)}\nWhat may help: npm run doctor`)
}

async function provisionShop({ shop, terminal }: BringUp): Promise<void> {
  try {
    const provisioned = provision({
      databases: shop.databases,
      kafkaBrokers: shop.kafkaBrokers,
      replication: Number(process.env['KAFKA_REPLICATION']) || undefined,
      playground: true,
      onStep: (text) => terminal.part('provision', text),
    })
    await within(READY_WITHIN_MS, provisioned, () => new Error('Databases or brokers did not answer within a minute'))
  } catch (error) {
    throw new Complaint(`Databases or topics could not be provisioned.\n${messageOf(error)}`)
  }
}

async function consumerJoined(part: Part, bring: BringUp): Promise<void> {
  const { supervisor, terminal } = bring
  const deadline = performance.now() + READY_WITHIN_MS
  for (;;) {
    const { httpStatus, consumer, reasons } = await askHealth(part.port)
    stopIfStopping(supervisor)
    if (consumer === 'joined') return terminal.part(part.name, 'has joined its consumer group')
    const byHand = ['paused', 'stopped'].includes(supervisor.runner(part.name).state)
    if (byHand || (httpStatus === 200 && consumer === undefined)) return
    if (performance.now() > deadline) {
      throw new Complaint(
        `The consumer of ${part.name} did not join its group: ${reasons.join('; ')}.\n${logEnd(part, bring)}`,
      )
    }
    await sleep(100)
  }
}

async function demoPeopleKnown({ shop, terminal }: BringUp): Promise<void> {
  // Everybody knows their password, so never in a database that is not the local shop's own.
  if (shop.external.some(({ name }) => name === 'postgres-account')) return
  const count = await letDemoPeopleIn(
    shop.ports.service('account'),
    shop.asOperator,
    AbortSignal.timeout(READY_WITHIN_MS),
  )
  if (count > 0) terminal.part('account', `${count} demo people have an account`)
}

async function catalogueOrderable({ shop, supervisor, folder, terminal }: BringUp): Promise<void> {
  const tooLate = AbortSignal.timeout(READY_WITHIN_MS)
  const count = await putCatalogueOnSale(folder, shop.ports.service('product'), shop.asOperator, tooLate)
  if (count > 0) terminal.part('catalogue', `${count} products are on sale`)
  while (!(await isOrderable(shop.ports.service('order'), shop.asOperator))) {
    stopIfStopping(supervisor)
    if (tooLate.aborted)
      throw new Complaint(
        `${exampleProduct} cannot be ordered: the order service has not heard its price or its stock.\nLook at npm run status and npm run logs.`,
      )
    await sleep(50)
  }
  terminal.part('catalogue', `${exampleProduct} can be ordered`)
}

async function isOrderable(orderPort: number, as: AsOperator): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${orderPort}/orderable-products/${exampleProduct}`, {
      headers: await as(),
      signal: AbortSignal.timeout(1000),
    })
    await answer.body?.cancel()
    return answer.status === 200
  } catch {
    return false
  }
}

/** Thrown where a start is given up because the shop is being stopped, which is no complaint. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

function stopIfStopping(supervisor: Supervisor): void {
  if (supervisor.stopping) throw new Interrupted('The shop is being stopped.')
}

function logEnd(part: Part, { folder, supervisor }: BringUp): string {
  const lines = lastLines(folder.log(part.name), logLinesShown, supervisor.runner(part.name).logFrom)
  if (lines.length === 0) return `Its log is empty: ${folder.log(part.name)}`
  const readable = lines.map((line) => `  ${readableLine(line, part.kind).text}`)
  return [`The end of its log (${folder.log(part.name)}):`, ...readable].join('\n')
}
