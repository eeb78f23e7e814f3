import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { readAnswer } from './answer.ts'
import { OrderRequest } from './order-request.ts'

/**
 * One keep-alive connection with one request in flight. Raw sockets and a prebuilt request, because the generator shares
 * two cores with what it measures: 7.6 to 9 us of CPU a request (measured against bare fastify with 64 and 256 connections),
 * about what a generator in C takes.
 */
export class Connection {
  readonly #socket: Socket
  readonly #request: OrderRequest
  readonly #onAnswer: (connection: Connection, status: number) => void
  #rest = ''
  /** Milliseconds: when the request under way was sent, or should have been. */
  sentAt = 0

  static async open(options: {
    port: number
    idPrefix: string
    onAnswer: (connection: Connection, status: number) => void
    onLost: (error: Error) => void
  }): Promise<Connection> {
    let connection: Connection | undefined
    const socket = connect({
      ...{ host: '127.0.0.1', port: options.port, noDelay: true },
      // One buffer for all that ever comes in, instead of one a read.
      onread: {
        buffer: Buffer.allocUnsafeSlow(8 * 1024),
        callback: (length, bytes) => {
          connection?.read(Buffer.from(bytes.buffer, bytes.byteOffset, length))
          return true
        },
      },
    })
    await once(socket, 'connect')
    socket.on('error', options.onLost)
    socket.on('close', () => options.onLost(new Error('The server has closed a connection')))
    connection = new Connection(socket, options)
    return connection
  }

  private constructor(
    socket: Socket,
    options: { port: number; idPrefix: string; onAnswer: (connection: Connection, status: number) => void },
  ) {
    this.#socket = socket
    this.#request = new OrderRequest(options.port, options.idPrefix)
    this.#onAnswer = options.onAnswer
  }

  send(order: number, product: number, sentAt: number): void {
    this.sentAt = sentAt
    this.#request.splice(order, product)
    this.#socket.write(this.#request.bytes)
  }

  read(bytes: Buffer): void {
    const text = this.#rest + bytes.toString('latin1')
    const answer = readAnswer(text)
    this.#rest = answer === undefined ? text : text.slice(answer.length)
    if (answer !== undefined) this.#onAnswer(this, answer.status)
  }

  close(): void {
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }
}
