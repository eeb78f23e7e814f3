import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Check } from 'typebox/value'
import { StartRush, type RushView } from '@timesale/contracts/console-api'
import { Complaint } from '../commands/command-line.ts'
import { beingPrepared } from './control-client.ts'
import type { PartAction } from './part-state.ts'
import type { PartStatus } from './supervisor.ts'

/** Where the commands find the servers of a running shop, be they its own or the user's. */
export interface Addresses {
  readonly kafkaBrokers: string
  /** URLs by service, each with the role that the service itself has. */
  readonly databases: Readonly<Record<string, string>>
  /** The gateway's, as JSON: for commands that call services where nobody gets in without a token. */
  readonly signingKey: string
}

/** What the commands may ask of a running shop. */
interface Controlled {
  addresses(): Addresses
  status(): PartStatus[]
  act(name: string, action: PartAction): Promise<string>
  readonly rush: {
    readonly latest: RushView | null
    start(wanted: StartRush): Promise<RushView>
    stop(): Promise<RushView | null>
  }
}

export const partActions: readonly PartAction[] = ['stop', 'start', 'kill', 'pause', 'resume', 'restart']

/** A door for the commands, on loopback, for whoever can read the token: the user who started the shop. */
export class ControlServer implements AsyncDisposable {
  readonly token = randomBytes(24).toString('hex')
  readonly #server: Server
  #controlled: Controlled | undefined

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host: '127.0.0.1', port: 0 }, resolve)
    })
    // An object, since the server listens on TCP.
    return (this.#server.address() as AddressInfo).port
  }

  /** Until then there are no parts to be asked about. */
  serve(controlled: Controlled): void {
    this.#controlled = controlled
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = bodyOf(request)
    const reply = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
      response.end(JSON.stringify(body))
    }
    if (!this.#mayAsk(request)) return reply(401, { problem: 'The token is missing or wrong.' })
    const [, place = '', name, action] = (request.url ?? '').split('/')
    try {
      if (request.method === 'GET' && place === 'parts' && name === undefined) {
        return reply(200, { parts: this.#controlled?.status() ?? [] })
      }
      if (this.#controlled === undefined) return reply(409, { problem: beingPrepared })
      if (request.method === 'GET' && place === 'addresses') return reply(200, this.#controlled.addresses())
      if (place === 'rush' && name === undefined) {
        return reply(200, { rush: await rushOf(this.#controlled, request.method, await body) })
      }
      const known = partActions.find((candidate) => candidate === action)
      if (request.method !== 'POST' || place !== 'parts' || name === undefined || known === undefined) {
        return reply(404, { problem: 'This is not known.' })
      }
      return reply(200, { said: await this.#controlled.act(decodeURIComponent(name), known) })
    } catch (error) {
      return reply(error instanceof Complaint ? 409 : 500, {
        problem: error instanceof Error ? error.message : String(error),
      })
    }
  }

  #mayAsk(request: IncomingMessage): boolean {
    const given = Buffer.from(request.headers.authorization ?? '')
    const wanted = Buffer.from(`Bearer ${this.token}`)
    return given.length === wanted.length && timingSafeEqual(given, wanted)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

function rushOf(
  { rush }: Controlled,
  method: string | undefined,
  body: unknown,
): Promise<RushView | null> | RushView | null {
  if (method === 'GET') return rush.latest
  if (method === 'DELETE') return rush.stop()
  if (method === 'POST' && Check(StartRush, body)) return rush.start(body)
  throw new Complaint('A rush is looked at (GET), begun (POST with what is wanted) or stopped (DELETE).')
}

const BODY_BYTES_MAX = 10_000

/** Undefined where it is no JSON. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = ''
  request.setEncoding('utf8')
  try {
    for await (const piece of request) if (text.length < BODY_BYTES_MAX) text += String(piece)
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
