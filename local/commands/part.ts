import { runCommand, WrongUsage, type Asked } from './command-line.ts'
import { askAction } from '../supervisor/control-client.ts'
import { partActions } from '../supervisor/control-server.ts'
import { findDataFolder } from '../shop/data-folder.ts'
import { requireLogged, showLogs } from './log-view.ts'

const usage = `npm run part -- ACTION NAME

Does something to one part of the running shop, waits until it is so, and says what happened.

  stop NAME      end it in peace; it stays down until it is started
  kill NAME      SIGKILL; it stays down until it is started
  start NAME     start it, and wait until it is ready
  restart NAME   stop it and start it
  pause NAME     SIGSTOP for all of its processes: it holds its port and answers nothing
  resume NAME    SIGCONT
  logs NAME      the end of its log; -f goes on with what is added

NAME is one of those that npm run status shows: order, postgres-order, kafka-1, redis, ...

  --data DIR     the shop of this folder
  --help         this text`

await runCommand({
  usage,
  options: { data: { type: 'string' }, follow: { type: 'boolean', short: 'f' } },
  wordsMax: 2,
  run: actOn,
})

async function actOn({ values, words }: Asked<{ readonly data?: string; readonly follow?: boolean }>): Promise<number> {
  const [action, name] = words
  if (action === undefined) throw new WrongUsage('An action and the name of a part are needed.')
  const known = partActions.find((candidate) => candidate === action)
  if (known === undefined && action !== 'logs') throw new WrongUsage(`Unknown action '${action}'`)
  if (name === undefined) throw new WrongUsage(`The name of the part to ${action} is missing.`)
  if (values.follow === true && action !== 'logs')
    throw new WrongUsage(`Option '--follow' is for 'logs', not for '${action}'`)
  const folder = await findDataFolder(values.data)
  if (known === undefined) {
    requireLogged(folder, [name])
    await showLogs(folder, [name], { follow: values.follow === true, lines: 50 })
    return 0
  }
  console.log(await askAction(folder, name, known))
  return 0
}
