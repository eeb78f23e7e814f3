import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Complaint } from '../commands/command-line.ts'

/** What one application is told, the first before the next. */
export interface ConfigSource {
  readonly name: string
  readonly source: Readonly<Record<string, string>>
}

const USER = 'timesale'
const HOST = '127.0.0.1'

/**
 * The local shop's configuration server: GET /{application}/{profile}[/{label}] as Spring Cloud Config answers it, to
 * whoever knows the password, since it hands out secrets. On loopback alone.
 */
export class ConfigServer implements AsyncDisposable {
  readonly #server: Server
  readonly #wanted: Buffer

  constructor(options: {
    readonly password: string
    /** Empty for an application that is not known. */
    readonly sourcesOf: (application: string, profile: string) => readonly ConfigSource[]
  }) {
    this.#wanted = Buffer.from(`Basic ${Buffer.from(`${USER}:${options.password}`).toString('base64')}`)
    this.#server = createServer((request, response) => {
      request.resume()
      this.#answer(request, response, options.sourcesOf)
    })
  }

  /** Throws a Complaint when somebody else has the port. */
  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => {
        reject(new Complaint(`The configuration server cannot listen on port ${port}: ${error.message}`))
      })
      this.#server.listen({ host: HOST, port }, resolve)
    })
  }

  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    sourcesOf: (application: string, profile: string) => readonly ConfigSource[],
  ): void {
    const reply = (status: number, body: object, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers })
      response.end(JSON.stringify(body))
    }
    if (!this.#mayAsk(request)) {
      return reply(401, { error: 'User or password is missing or wrong.' }, { 'www-authenticate': 'Basic' })
    }
    const [path = ''] = (request.url ?? '').split('?')
    const found = /^\/([\w-]+)\/([\w,.-]+)(?:\/([\w().-]+))?$/.exec(path)
    if (request.method !== 'GET' || found === null) return reply(404, { error: 'This is not known.' })
    const [, name = '', profiles = '', label = null] = found
    const propertySources = sourcesOf(name, profiles)
    reply(200, { name, profiles: profiles.split(','), label, version: null, state: null, propertySources })
  }

  #mayAsk(request: IncomingMessage): boolean {
    const given = Buffer.from(request.headers.authorization ?? '')
    return given.length === this.#wanted.length && timingSafeEqual(given, this.#wanted)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

/** What a process sets as CONFIG_URL to ask it. */
export function configUrl(port: number, password: string): string {
  return `http://${USER}:${password}@${HOST}:${port}`
}
