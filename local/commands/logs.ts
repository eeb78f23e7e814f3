import { runCommand, wholeNumber } from './command-line.ts'
import { findDataFolder } from '../shop/data-folder.ts'
import { loggedParts, requireLogged, showLogs } from './log-view.ts'

const usage = `npm run logs [-- NAME... OPTIONS]

Shows the ends of the parts' logs: of all, or of those that are named. The files are <data>/logs/NAME.log.

  --follow, -f   go on with what is added, until Ctrl-C
  --lines N      lines of each part; 20 if not given
  --data DIR     the shop of this folder
  --help         this text`

await runCommand({
  usage,
  options: { follow: { type: 'boolean', short: 'f' }, lines: { type: 'string' }, data: { type: 'string' } },
  wordsMax: 50,
  run: async ({ values, words }) => {
    const lines = wholeNumber('lines', values.lines ?? '20', { min: 0, max: 10_000 })
    const folder = await findDataFolder(values.data)
    requireLogged(folder, words)
    await showLogs(folder, words.length > 0 ? words : loggedParts(folder), { follow: values.follow === true, lines })
    return 0
  },
})
