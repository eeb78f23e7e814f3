import { createServer, connect, type Socket } from 'node:net'
import { servicePorts } from './infrastructure.ts'

export interface ProxyOptions {
  /** The port of the loopback that is behind the proxy. */
  readonly to: number
  /** Where it listens; a free port otherwise. */
  readonly port?: number
  /**
   * Cuts what a client sends into requests, one cutter a connection; without it each piece that arrives is one. What
   * `dropAnswerTo` looks at.
   */
  readonly requests?: () => RequestCutter
}

/** Takes the next bytes of a connection and gives back the requests that are whole by now. */
export type RequestCutter = (bytes: Buffer) => readonly Buffer[]

/** From the client to the server, from the server to the client, or both ways. */
export type Direction = 'up' | 'down' | 'both'

/** Which connections a fault is for: those that are open now, those that are opened from now on, or all. */
export type Connections = 'open' | 'new' | 'all'

export interface Where {
  readonly direction?: Direction
  readonly connections?: Connections
}

export interface Pace {
  /** How long each piece is on its way. */
  readonly latencyMs?: number
  /** Up to this much longer, at random; pieces never overtake each other. */
  readonly jitterMs?: number
  /** No more than this gets through. */
  readonly bytesPerSecond?: number
}

/** Whether this request is the one; `connection` is the same object for all requests of one connection. */
export type IsTheOne = (request: Buffer, connection: object) => boolean

export interface DroppedAnswer {
  /** Resolves when the request was passed on and the beginning of an answer to it was thrown away. */
  readonly dropped: Promise<void>
  /** How often it has happened: 0 or 1. */
  readonly count: number
}

/**
 * TCP with faults that are set while it runs. They add up until `heal`; what was swallowed never comes, so connections
 * that went through a black hole stay in it.
 */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** Connections accepted so far, and open now. */
  readonly accepted: number
  readonly open: number
  /** Bytes that went into a black hole. */
  readonly swallowed: number
  /** The same URL, by way of the proxy. */
  url(direct: string): string
  slow(pace: Pace, where?: Where): void
  /** Accepts, swallows, answers nothing, keeps connections open, and hears nothing of their end. */
  blackHole(where?: Where): void
  /** New connections are refused; open ones go on. */
  refuse(): void
  /** Ends open connections with a FIN, as a server that closes them. */
  cut(): void
  /** Ends open connections with a RST, as a server that was killed. */
  reset(): void
  /** The next request that matches is passed on; whatever comes back is thrown away, and the client's connection reset. */
  dropAnswerTo(isTheOne: IsTheOne): DroppedAnswer
  /** New connections are served as if nothing had been; open ones too, but for those in a black hole. */
  heal(): Promise<void>
}

export async function openProxy(options: ProxyOptions): Promise<TcpProxy> {
  const port = options.port ?? (await servicePorts(1))[0]
  const proxy = new FaultProxy(port, options)
  await proxy.listen()
  return proxy
}

interface Terms {
  pace: Pace
  blackHole: boolean
}

interface PendingDrop {
  readonly isTheOne: IsTheOne
  readonly done: () => void
}

class FaultProxy implements TcpProxy {
  readonly port: number
  readonly #options: ProxyOptions
  readonly #passages = new Set<Passage>()
  readonly #drops: PendingDrop[] = []
  #server = createServer()
  #terms = fairTerms()
  #swallowedBefore = 0
  accepted = 0

  constructor(port: number, options: ProxyOptions) {
    this.port = port
    this.#options = options
  }

  get open(): number {
    return this.#passages.size
  }

  get swallowed(): number {
    return [...this.#passages].reduce((sum, { swallowed }) => sum + swallowed, this.#swallowedBefore)
  }

  url(direct: string): string {
    const url = new URL(direct)
    url.port = String(this.port)
    return url.href
  }

  listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client))
    this.#server = server
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.port, '127.0.0.1', resolve)
    })
  }

  slow(pace: Pace, where: Where = {}): void {
    this.#set(where, (terms) => {
      terms.pace = { ...terms.pace, ...pace }
    })
  }

  blackHole(where: Where = {}): void {
    this.#set(where, (terms) => {
      terms.blackHole = true
    })
  }

  refuse(): void {
    if (this.#server.listening) this.#server.close()
  }

  cut(): void {
    for (const passage of this.#passages) passage.cut()
  }

  reset(): void {
    for (const passage of this.#passages) passage.reset()
  }

  dropAnswerTo(isTheOne: IsTheOne): DroppedAnswer {
    let count = 0
    const { promise, resolve } = Promise.withResolvers<void>()
    const done = (): void => {
      count += 1
      resolve()
    }
    this.#drops.push({ isTheOne, done })
    return {
      dropped: promise,
      get count() {
        return count
      },
    }
  }

  async heal(): Promise<void> {
    this.#terms = fairTerms()
    this.#drops.length = 0
    for (const passage of this.#passages) passage.heal()
    if (!this.#server.listening) await this.listen()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.refuse()
    this.reset()
    return Promise.resolve()
  }

  #accept(client: Socket): void {
    this.accepted += 1
    const { to, requests = eachPiece } = this.#options
    const passage = new Passage(client, connect({ port: to, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }), {
      terms: this.#terms,
      cutter: requests(),
      takeDrop: (request) => this.#takeDrop(request, passage),
      onEnd: () => {
        this.#swallowedBefore += passage.swallowed
        this.#passages.delete(passage)
      },
    })
    this.#passages.add(passage)
  }

  // All that are waiting see every request, since they may count on that; the first that matches has it.
  #takeDrop(request: Buffer, connection: object): PendingDrop | undefined {
    let found: PendingDrop | undefined
    for (const drop of this.#drops) if (drop.isTheOne(request, connection)) found ??= drop
    if (found !== undefined) this.#drops.splice(this.#drops.indexOf(found), 1)
    return found
  }

  #set({ direction = 'both', connections = 'all' }: Where, change: (terms: Terms) => void): void {
    const ways = direction === 'both' ? (['up', 'down'] as const) : [direction]
    for (const way of ways) {
      if (connections !== 'open') change(this.#terms[way])
      if (connections !== 'new') for (const passage of this.#passages) change(passage.terms[way])
    }
  }
}

interface PassageOptions {
  readonly terms: Record<'up' | 'down', Terms>
  readonly cutter: RequestCutter
  readonly takeDrop: (request: Buffer) => PendingDrop | undefined
  readonly onEnd: () => void
}

// One connection of a client and the one to the server behind it.
class Passage {
  readonly terms: Record<'up' | 'down', Terms>
  readonly #client: Socket
  readonly #server: Socket
  readonly #up: Lane
  readonly #down: Lane
  #drop: PendingDrop | undefined

  constructor(client: Socket, server: Socket, { terms, cutter, takeDrop, onEnd }: PassageOptions) {
    // Each has its own from here on: what is set for open connections only must not reach later ones.
    this.terms = { up: { ...terms.up }, down: { ...terms.down } }
    this.#client = client
    this.#server = server
    const look = (bytes: Buffer): true => {
      for (const request of cutter(bytes)) this.#drop ??= takeDrop(request)
      return true
    }
    this.#up = new Lane(client, server, this.terms.up, look)
    this.#down = new Lane(server, client, this.terms.down, () => !this.#dropsAnswer())
    const bothOver = (): void => {
      if (client.destroyed && server.destroyed) onEnd()
    }
    tellOfReset(client, server, this.terms.up, bothOver)
    tellOfReset(server, client, this.terms.down, bothOver)
  }

  get swallowed(): number {
    return this.#up.swallowed + this.#down.swallowed
  }

  cut(): void {
    this.#up.end()
    this.#down.end()
  }

  reset(): void {
    reset(this.#client)
    reset(this.#server)
  }

  heal(): void {
    for (const terms of [this.terms.up, this.terms.down]) terms.pace = {}
  }

  // The server gets a FIN behind what it was asked, and is read to its end: it must not stop half way because nobody listens.
  #dropsAnswer(): boolean {
    if (this.#drop === undefined) return false
    if (!this.#client.destroyed) {
      this.#up.end()
      reset(this.#client)
      this.#drop.done()
    }
    return true
  }
}

// One direction of a connection: what comes from one socket goes to the other, at the pace and as far as the terms say.
class Lane {
  swallowed = 0
  readonly #from: Socket
  readonly #to: Socket
  readonly #terms: Terms
  readonly #onItsWay: { readonly dueAt: number; readonly bytes: Buffer | 'end' }[] = []
  #bytesOnTheirWay = 0
  #sentUntil = 0
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, terms: Terms, mayPass: (bytes: Buffer) => boolean) {
    this.#from = from
    this.#to = to
    this.#terms = terms
    from.on('data', (bytes) => {
      if (this.#terms.blackHole) this.swallowed += bytes.length
      else if (mayPass(bytes)) this.#send(bytes)
    })
    from.on('end', () => {
      if (!this.#terms.blackHole) this.end()
    })
    to.on('drain', () => from.resume())
    to.on('close', () => clearTimeout(this.#timer))
  }

  /** A FIN, behind what is on its way. */
  end(): void {
    this.#send('end')
  }

  #send(bytes: Buffer | 'end'): void {
    const { latencyMs = 0, jitterMs = 0, bytesPerSecond = Infinity } = this.#terms.pace
    const length = bytes === 'end' ? 0 : bytes.length
    const now = performance.now()
    this.#sentUntil = Math.max(this.#sentUntil, now) + (length / bytesPerSecond) * 1000
    const before = this.#onItsWay.at(-1)?.dueAt ?? 0
    const dueAt = Math.max(before, this.#sentUntil + latencyMs + Math.random() * jitterMs)
    if (this.#onItsWay.length === 0 && dueAt <= now) return this.#deliver(bytes)
    this.#onItsWay.push({ dueAt, bytes })
    this.#bytesOnTheirWay += length
    if (this.#bytesOnTheirWay > ON_THEIR_WAY_MAX) this.#from.pause()
    this.#timer ??= setTimeout(() => this.#deliverDue(), dueAt - now)
  }

  #deliverDue(): void {
    this.#timer = undefined
    for (let next = this.#onItsWay[0]; next !== undefined; next = this.#onItsWay[0]) {
      const waitMs = next.dueAt - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#deliverDue(), waitMs)
        return
      }
      this.#onItsWay.shift()
      if (next.bytes !== 'end') this.#bytesOnTheirWay -= next.bytes.length
      this.#deliver(next.bytes)
    }
    this.#from.resume()
  }

  #deliver(bytes: Buffer | 'end'): void {
    if (this.#to.destroyed || this.#to.writableEnded) return
    if (bytes === 'end') this.#to.end()
    else if (!this.#to.write(bytes)) this.#from.pause()
  }
}

const ON_THEIR_WAY_MAX = 256 * 1024

// Whoever is reset resets the other side, unless there is a black hole between them.
function tellOfReset(socket: Socket, other: Socket, terms: Terms, onClose: () => void): void {
  socket.on('error', () => undefined)
  socket.on('close', (hadError) => {
    if (hadError && !terms.blackHole) reset(other)
    onClose()
  })
}

// NOTE: libuv refuses to reset a socket whose FIN is on its way (uv_tcp_close_reset: EINVAL). Node leaves it open then,
// and at the end of the process waits for it for ever.
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}

function fairTerms(): Record<'up' | 'down', Terms> {
  return { up: { pace: {}, blackHole: false }, down: { pace: {}, blackHole: false } }
}

function eachPiece(): RequestCutter {
  return (bytes) => [bytes]
}

/** The messages of a PostgreSQL client, with their type and length; its first one has no type. */
export function postgresRequests(): RequestCutter {
  return cutter((bytes, requestsBefore) => {
    const typeLength = requestsBefore === 0 ? 0 : 1
    return bytes.length < typeLength + 4 ? undefined : typeLength + bytes.readInt32BE(typeLength)
  })
}

/** The requests of a Kafka client, with their length: the api key is in bytes 4 and 5. */
export function kafkaRequests(): RequestCutter {
  return cutter((bytes) => (bytes.length < 4 ? undefined : 4 + bytes.readInt32BE(0)))
}

/** Produce, from a client of Kafka. */
export const isProduce: IsTheOne = (request) => request.length >= 6 && request.readInt16BE(4) === 0

/**
 * What ends the transaction of a PostgreSQL client in which `text` was said: its COMMIT, or the statement itself where
 * it has no transaction around it. For connections that begin, or are between two transactions, when it is first asked.
 */
export function commitOf(text: string): IsTheOne {
  const states = new WeakMap<object, { inTransaction: boolean; said: boolean }>()
  return (request, connection) => {
    const state = states.get(connection) ?? { inTransaction: false, said: false }
    states.set(connection, state)
    const statement = statementOf(request)
    if (statement === 'begin') states.set(connection, { inTransaction: true, said: false })
    if (statement === 'commit' || statement === 'rollback') states.delete(connection)
    if (request.includes(text)) state.said = true
    if (!state.said) return false
    if (state.inTransaction) return statement === 'commit'
    // The text of a statement alone (Parse) does nothing yet.
    return request[0] !== PARSE
  }
}

const QUERY = 'Q'.charCodeAt(0)
const PARSE = 'P'.charCodeAt(0)

// Type, length, the text; of Parse first the name of the statement. Each text ends with a zero.
function statementOf(request: Buffer): string | undefined {
  const [type] = request
  if (type !== QUERY && type !== PARSE) return undefined
  const texts = request.toString('latin1', 5).split('\0')
  return texts[type === QUERY ? 0 : 1]?.trim().toLowerCase()
}

function cutter(lengthOf: (bytes: Buffer, requestsBefore: number) => number | undefined): RequestCutter {
  let rest: Buffer = Buffer.alloc(0)
  let count = 0
  return (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    const requests: Buffer[] = []
    for (;;) {
      const length = lengthOf(rest, count)
      if (length === undefined || rest.length < length) return requests
      requests.push(rest.subarray(0, length))
      rest = rest.subarray(length)
      count += 1
    }
  }
}
