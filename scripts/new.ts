import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Complaint, runCommand, WrongUsage } from '@timesale/local/commands/command-line'
import { exampleProduct } from '@timesale/local/shop/catalogue'
import { servicePorts } from '@timesale/local/shop/ports'
import { SERVICE_LISTS } from './new-consumer/lists.ts'
import { planConsumer } from './new-consumer/plan.ts'
import { objectionTo } from './new-consumer/service-name.ts'
import { repositoryRoot } from './repository-files.ts'

const usage = `npm run new -- consumer NAME

Makes services/NAME/: a service with a database of its own, which hears of confirmed orders and counts what each buyer was sold.
It passes npm run check, and npm start starts it with the others. Put something of your own in the place of the counting.

  NAME          2 to 20 letters from a to z and digits, with a letter first: npm run new -- consumer loyalty
  --help        this text`

await runCommand({
  usage,
  options: {},
  wordsMax: 2,
  run: ({ words }) => {
    const [kind, name] = words
    if (kind === undefined) throw new WrongUsage('What shall be made is missing.')
    if (kind !== 'consumer') throw new WrongUsage(`Unknown kind '${kind}'; there is 'consumer'.`)
    if (name === undefined) throw new WrongUsage('The name of the new consumer is missing.')
    const objection = objectionTo(name, repositoryRoot)
    if (objection !== undefined) throw new Complaint(objection)
    makeConsumer(name)
    return Promise.resolve(0)
  },
})

function makeConsumer(name: string): void {
  const { service, files } = planConsumer(repositoryRoot, name)
  const before = new Map(SERVICE_LISTS.map(({ file }) => [file, readFileSync(join(repositoryRoot, file), 'utf8')]))
  const folder = join(repositoryRoot, 'services', name)
  const link = join(repositoryRoot, 'node_modules/@timesale', `${name}-service`)
  try {
    for (const [file, text] of files) {
      mkdirSync(dirname(join(repositoryRoot, file)), { recursive: true })
      writeFileSync(join(repositoryRoot, file), text)
    }
    // What npm install would make of the workspace. One may have been left there by a service that is gone.
    rmSync(link, { force: true })
    symlinkSync(join('../../services', name), link)
  } catch (error) {
    // The link comes last, so it was not made.
    for (const [file, text] of before) writeFileSync(join(repositoryRoot, file), text)
    rmSync(folder, { recursive: true, force: true })
    throw new Complaint(
      `It cannot be written, and all is as it was: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  console.log(told(name, service.port, service.databasePort))
}

function told(name: string, port: number, databasePort: number): string {
  const order = JSON.stringify({ orderId: `for-${name}`, productId: exampleProduct, quantity: 2, buyerId: 'kim' })
  return [
    `Made services/${name}/, which counts what each buyer was sold. HTTP ${port}, PostgreSQL ${databasePort}.`,
    '',
    'Changed, with what was added:',
    ...SERVICE_LISTS.map(({ file, what }) => `  ${file.padEnd(20)} ${what}`),
    '',
    'Next:',
    '  npm run check',
    '  npm start                  a shop that runs already: Ctrl-C, and again. Then, in another terminal:',
    `  curl -X POST localhost:${servicePorts.order}/orders -H 'content-type: application/json' -d '${order}'`,
    `  npm run sql -- ${name} "select * from units_bought"`,
    '',
    `services/${name}/README.md says where to put something of your own. Prose that counts the services is yours to mend: ARCHITECTURE.md, README.`,
  ].join('\n')
}
