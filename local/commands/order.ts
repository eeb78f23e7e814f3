import { styleText } from 'node:util'
import { Compile } from 'typebox/compile'
import { ID_PATTERN } from '@timesale/contracts/fields'
import { OrderTrace, type TraceHop } from '@timesale/contracts/trace-api'
import { Complaint, runCommand, WrongUsage } from './command-line.ts'
import { plainTable } from './plain-table.ts'
import { askAsOperator } from './operator-session.ts'
import { askPart } from '../supervisor/control-client.ts'
import { findDataFolder } from '../shop/data-folder.ts'

const usage = `npm run order -- ORDER_ID [OPTIONS]

Follows one order through the shop: rows, records on topics with partition and offset, what each consumer has applied; with
the time of each hop and its distance from the one before. Asks the gateway, as the demo operator.

  --json        the gateway's answer
  --data DIR    the shop of this folder
  --help        this text

Exit code 1 when there is no such order, or no shop runs.`

const idPattern = new RegExp(ID_PATTERN)
const orderTrace = Compile(OrderTrace)

await runCommand({
  usage,
  options: { json: { type: 'boolean' }, data: { type: 'string' } },
  wordsMax: 1,
  run: async ({ values, words }) => {
    const [orderId] = words
    if (orderId === undefined) throw new WrongUsage('The id of an order is needed.')
    // Also since '..' is another place, which the URL would lead to.
    if (!idPattern.test(orderId)) {
      throw new WrongUsage(`'${orderId}' is no id of an order: 1 to 64 of A-Z a-z 0-9 . _ ~ -, and neither . nor ..`)
    }
    const folder = await findDataFolder(values.data)
    const { port } = await askPart(folder, 'gateway')
    const trace = await askAsOperator(
      `http://127.0.0.1:${port}`,
      `/api/orders/${orderId}/trace`,
      folder.operatorSession,
    )
    if (values.json === true) console.log(JSON.stringify(trace, null, 2))
    else if (orderTrace.Check(trace)) console.log(textOf(trace))
    else throw new Complaint('The gateway gave an answer that is not understood. Is it of another version?')
    return 0
  },
})

function textOf({ orderId, status, hops, missing }: OrderTrace): string {
  const table = plainTable(
    ['after', 'step', 'where', 'what', 'version', 'by'],
    hops.map((hop) => [msOf(hop.afterMs), stepOf(hop), placeOf(hop), whatOf(hop), hop.version ?? '', hop.cause ?? '']),
    [0, 1, 4],
  )
  const first = hops[0]?.at
  const lines = [
    `Order ${orderId} is ${status}.${first === null || first === undefined ? '' : ` Since ${first}:`}`,
    table,
  ]
  for (const { part, reason } of missing) {
    lines.push(styleText('yellow', `Not there: ${part === 'records' ? 'some of the records' : part} (${reason})`))
  }
  return lines.join('\n')
}

function msOf(ms: number | null): string {
  return ms === null ? '' : `${ms.toLocaleString('en')} ms`
}

function stepOf({ stepMs }: TraceHop): string {
  return stepMs === null ? '' : `+${stepMs.toLocaleString('en')}`
}

function placeOf({ where, record, kind }: TraceHop): string {
  return record === undefined || kind === 'waiting' ? where : `${where} ${record.partition}:${record.offset}`
}

function whatOf({ what, kind, isRepeated, record }: TraceHop): string {
  const text = kind === 'applied' ? `${what} applied` : what
  if (kind === 'waiting')
    return styleText('yellow', `${text} (${record?.topic} ${record?.partition}:${record?.offset})`)
  return isRepeated === true ? styleText('yellow', `${text}, again`) : text
}
