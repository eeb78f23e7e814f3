import { checkText } from '../checks/check-report.ts'
import {
  checkDataFolder,
  checkDisk,
  checkJava,
  checkMemory,
  checkPlatform,
  checkPorts,
  checkStale,
  type Check,
} from '../checks/checks.ts'
import { runCommand } from './command-line.ts'
import { portOffsetOf } from './port-offset.ts'
import { findDataFolder } from '../shop/data-folder.ts'
import { chooseSettings, rememberedSettings } from '../shop/settings.ts'
import { makeSecrets } from '../shop/secrets.ts'
import { describeShop, hasOwnKafka } from '../shop/shop.ts'
import { runningSupervisor } from '../supervisor/supervisor-file.ts'

const usage = `npm run doctor [-- OPTIONS]

Looks whether the shop can run here, and says how to mend what is in the way. npm start makes the same checks.

  --port-offset N   check these ports instead of those of the last start
  --data DIR        the shop of this folder
  --help            this text

Exit code 1 when something is in the way.`

await runCommand({
  usage,
  options: { 'port-offset': { type: 'string' }, data: { type: 'string' } },
  run: async ({ values }) => {
    const folder = await findDataFolder(values.data)
    const portOffset = portOffsetOf(values['port-offset'])
    const settings = chooseSettings(rememberedSettings(folder), { portOffset }, hasOwnKafka(process.env))
    const running = runningSupervisor(folder)
    const checks: Check[] = [
      checkPlatform(),
      await checkJava(process.env),
      await checkDataFolder(folder),
      ...(await checkPorts(describeShop({ settings, folder, secrets: makeSecrets(), env: process.env }), folder)),
      checkDisk(folder),
      // A running shop has its memory already.
      ...(running === undefined ? [checkMemory()] : []),
      checkStale(folder, running !== undefined),
      {
        name: 'Shop',
        result: 'ok',
        says: running === undefined ? 'not running' : `running (supervisor pid ${running.pid})`,
      },
    ]
    for (const check of checks) console.log(checkText(check))
    return checks.some((check) => check.result === 'fail') ? 1 : 0
  },
})
