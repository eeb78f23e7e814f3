import { request } from 'node:http'
import { Complaint } from '../commands/command-line.ts'
import type { Addresses } from './control-server.ts'
import type { DataFolder } from '../shop/data-folder.ts'
import type { PartAction } from './part-state.ts'
import type { PartStatus } from './supervisor.ts'
import { runningSupervisor, type SupervisorFile } from './supervisor-file.ts'

/** The parts of the running shop, or undefined when none runs on this data. */
export async function askParts(folder: DataFolder): Promise<PartStatus[] | undefined> {
  const supervisor = runningSupervisor(folder)
  if (supervisor === undefined) return undefined
  const { parts } = (await ask(supervisor, 'GET', '/parts', 2000)) as { parts: PartStatus[] }
  return parts
}

/** Undefined when no shop runs on this data. */
export async function askAddresses(folder: DataFolder): Promise<Addresses | undefined> {
  const supervisor = runningSupervisor(folder)
  if (supervisor === undefined) return undefined
  return (await ask(supervisor, 'GET', '/addresses', 2000)) as Addresses
}

/** The part of the running shop. Rejects with a Complaint that says why it is not there. */
export async function askPart(folder: DataFolder, name: string): Promise<PartStatus> {
  const parts = await askParts(folder)
  if (parts === undefined) throw new Complaint(noShop(folder))
  const found = parts.find((part) => part.name === name)
  if (found !== undefined) return found
  throw new Complaint(parts.length === 0 ? beingPrepared : `The shop has no part '${name}'. Look at npm run status.`)
}

export async function askAction(folder: DataFolder, name: string, action: PartAction): Promise<string> {
  const supervisor = runningSupervisor(folder)
  if (supervisor === undefined) throw new Complaint(noShop(folder))
  // Longer than a part may take to stop and to become ready again.
  const { said } = (await ask(supervisor, 'POST', `/parts/${encodeURIComponent(name)}/${action}`, 120_000)) as {
    said: string
  }
  return said
}

/** `by`: how the command lets another folder be named. */
export function noShop(folder: DataFolder, by = '--data or TIMESALE_DATA'): string {
  return `No shop is running on ${folder.path}. Start one with npm start, or name its folder with ${by}.`
}

/** From when the supervisor holds its data folder until it has parts. */
export const beingPrepared = 'The shop is still being prepared. Ask again in a moment.'

// node:http and not fetch, which gives up on headers after five minutes of its own and keeps connections open.
function ask(to: SupervisorFile, method: 'GET' | 'POST', path: string, timeoutMs: number): Promise<unknown> {
  // npm run reset, which holds the folder against starts and listens nowhere.
  if (to.port === 0) {
    const text = `The data of this shop are just being wiped (pid ${to.pid}). Let npm run reset end, then npm start.`
    return Promise.reject(new Complaint(text))
  }
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: to.port,
        method,
        path,
        agent: false,
        headers: { authorization: `Bearer ${to.token}` },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (piece: string) => (text += piece))
        answer.on('error', reject)
        answer.on('end', () => {
          const body = parse(text)
          if (answer.statusCode === 200) resolve(body)
          else reject(new Complaint(problemOf(body) ?? `The supervisor answered ${answer.statusCode}.`))
        })
      },
    )
    asked.on('error', (cause) => {
      reject(
        new Complaint(`The supervisor (pid ${to.pid}) does not answer: ${cause.message}. It may be just stopping.`),
      )
    })
    asked.end()
  })
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

function problemOf({ problem }: Record<string, unknown>): string | undefined {
  return typeof problem === 'string' ? problem : undefined
}
