import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { Complaint, runCommand } from './command-line.ts'
import { findDataFolder, openDataFolder, wipeDataFolder, type DataFolder } from '../shop/data-folder.ts'
import { endStale } from '../supervisor/stale.ts'
import { claim, release } from '../supervisor/supervisor-file.ts'

const usage = `npm run reset [-- OPTIONS]

Wipes all data of the shop: databases, topics, logs and remembered settings. What was fetched stays.

  --yes         do not ask
  --data DIR    the shop of this folder
  --help        this text`

await runCommand({
  usage,
  options: { yes: { type: 'boolean' }, data: { type: 'string' } },
  run: async ({ values }) => {
    const folder = await findDataFolder(values.data)
    if (!existsSync(folder.path)) {
      console.log(`There is nothing to wipe: ${folder.path} does not exist.`)
      return 0
    }
    openDataFolder(folder)
    holdAgainstStarts(folder)
    try {
      if (values.yes !== true && !(await agreed(folder))) {
        console.log('Nothing was wiped.')
        return 1
      }
      await endStale(folder, (text) => console.log(text))
      await wipeDataFolder(folder)
      console.log(`Wiped ${folder.path}. The next npm start begins anew.`)
    } finally {
      release(folder)
    }
    return 0
  },
})

async function agreed(folder: DataFolder): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new Complaint(`This wipes ${folder.path}, and there is nobody to ask. Say so with npm run reset -- --yes`)
  const questions = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await questions.question(`Wipe all orders, stock and topics in ${folder.path}? [y/N] `)
  questions.close()
  return /^y(es)?$/i.test(answer.trim())
}

/** As long as this process lives no shop starts on the data; and it stops where one runs. */
function holdAgainstStarts(folder: DataFolder): void {
  const holder = claim(folder, { port: 0, token: '' })
  if (holder !== undefined)
    throw new Complaint(`A shop is running on ${folder.path} (pid ${holder.pid}). Stop it first: Ctrl-C where it runs.`)
}
