import { giveBackMemory } from '@timesale/process/give-back-memory'
import { banner } from './banner.ts'
import { bringUp, Interrupted } from '../shop/bring-up.ts'
import { checkText } from '../checks/check-report.ts'
import {
  checkDataFolder,
  checkDisk,
  checkJava,
  checkMemory,
  checkPlatform,
  checkPorts,
  type Check,
} from '../checks/checks.ts'
import { Complaint, runCommand, WrongUsage } from './command-line.ts'
import { portOffsetOf } from './port-offset.ts'
import { ControlServer } from '../supervisor/control-server.ts'
import { findDataFolder, openDataFolder, usualDataFolder, type DataFolder } from '../shop/data-folder.ts'
import { stopWhenAsked } from '../supervisor/stop-signals.ts'
import { buildConsole } from '../shop/console-build.ts'
import { ConfigServer } from '../shop/config-server.ts'
import { needsToken } from '../shop/needs-token.ts'
import { openSecrets } from '../shop/secrets.ts'
import { describeShop, hasOwnKafka } from '../shop/shop.ts'
import { chooseSettings, rememberedSettings, rememberSettings, type AskedSettings } from '../shop/settings.ts'
import { endStale } from '../supervisor/stale.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import { claim, release } from '../supervisor/supervisor-file.ts'
import { Terminal } from './terminal.ts'

const usage = `npm start [-- OPTIONS]

Starts the whole shop: PostgreSQL servers, Kafka, Redis and the services. Ctrl-C stops it.

  --port-offset N   add N to every port; remembered for the next start
  --brokers 1|3     number of Kafka brokers; fixed once there is data
  --data DIR        where the data lie (else TIMESALE_DATA, else .timesale in the clone)
  --verbose         show every line that a part logs, not only warnings
  --help            this text

Servers of your own, by environment variables; the parts are then not started here:
  KAFKA_BROKERS     host:port, with commas between
  REDIS_URL         redis://...
  ORDER_DB_URL      postgres://... (likewise STOCK_DB_URL and so on)
  ORDER_DB_ADMIN_URL   a superuser's, if databases and roles shall be made`

await runCommand({
  usage,
  options: {
    'port-offset': { type: 'string' },
    brokers: { type: 'string' },
    data: { type: 'string' },
    verbose: { type: 'boolean' },
  },
  run: async ({ values }) => {
    const asked = askedSettings(values['port-offset'], values.brokers)
    const folder = await findDataFolder(values.data)
    return await runShop(folder, asked, values.verbose === true)
  },
})
// Sockets of clients that never answered must not keep a stopped shop's process alive.
process.exit()

function askedSettings(offset: string | undefined, brokers: string | undefined): AskedSettings {
  if (brokers !== undefined && brokers !== '1' && brokers !== '3') {
    throw new WrongUsage(`Option '--brokers' must be 1 or 3, not '${brokers}'`)
  }
  return {
    portOffset: portOffsetOf(offset),
    brokers: brokers === undefined ? undefined : brokers === '1' ? 1 : 3,
  }
}

async function runShop(folder: DataFolder, asked: AskedSettings, verbose: boolean): Promise<number> {
  const started = performance.now()
  const terminal = new Terminal()
  passed([checkPlatform(), await checkJava(process.env), await checkDataFolder(folder)], terminal)
  openDataFolder(folder)
  const settings = chooseSettings(rememberedSettings(folder), asked, hasOwnKafka(process.env))

  await using control = new ControlServer()
  const door = { port: await control.listen(), token: control.token }
  const holder = claim(folder, door)
  if (holder !== undefined) {
    throw new Complaint(
      `A shop is running on ${folder.path} already (pid ${holder.pid}). Look at it with npm run status, or stop it with Ctrl-C where it runs.\n` +
        'A second one beside it: npm start -- --data ANOTHER_FOLDER --port-offset 1000',
    )
  }
  try {
    await endStale(folder, (text) => terminal.line(text))
    const secrets = openSecrets(folder)
    const shop = describeShop({
      settings,
      folder,
      secrets,
      env: process.env,
      control: door,
      onProgress: (done, total, name) => terminal.fetched(name.includes('redis') ? 'Redis' : 'Kafka', done, total),
    })
    passed([checkDisk(folder), checkMemory(), ...(await checkPorts(shop, folder))], terminal)
    rememberSettings(folder, settings)
    // Services ask it whenever they are started, also after a crash: so it is there until the last of them has ended.
    await using config = new ConfigServer({ password: secrets.configPassword, sourcesOf: shop.configOf })
    await config.listen(shop.ports.config)

    const supervisor = new Supervisor({ shop, folder, terminal, verbose })
    control.serve(supervisor)
    const asksToStop = stopWhenAsked(supervisor, terminal)
    // Nobody waits for it: the shop is open without, and its page says so until it is there.
    void buildWebConsole(terminal)
    try {
      await bringUp({ shop, supervisor, folder, terminal })
      terminal.line(
        banner(shop, {
          seconds: ((performance.now() - started) / 1000).toFixed(1),
          folder,
          isUsual: folder.path === (await usualDataFolder()).path,
          needsToken: await needsToken(`http://127.0.0.1:${shop.ports.service('order')}`),
        }),
      )
      giveBackMemory()
      await asksToStop.asked
    } catch (error) {
      if (!(error instanceof Interrupted) && !supervisor.stopping) {
        terminal.line(`\n${error instanceof Complaint ? error.message : String(error)}\n`)
        terminal.step('Stopping what was started')
        await supervisor.stop()
        return 1
      }
    }
    await supervisor.stop()
    terminal.line('The shop is closed.')
    return asksToStop.exitCode()
  } finally {
    release(folder)
  }
}

async function buildWebConsole(terminal: Terminal): Promise<void> {
  const began = performance.now()
  try {
    if ((await buildConsole()) === 'fresh') return
    terminal.part('console', `is built after ${((performance.now() - began) / 1000).toFixed(1)} s`)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    terminal.part('console', `could not be built; the shop goes on without its page.\n${why}`, 'warn')
  }
}

/** Silent about what is well, so that a start is not all about itself. */
function passed(checks: readonly Check[], terminal: Terminal): void {
  const told = checks.filter((check) => check.result !== 'ok')
  const failed = told.filter((check) => check.result === 'fail')
  if (failed.length > 0) throw new Complaint(told.map(checkText).join('\n'))
  for (const check of told) terminal.line(checkText(check))
}
