import { connect } from 'node:net'

/**
 * Sends one request to a port of this machine and lets `judge` look at all that has come back, until it says yes or no.
 * Anything else, be it a refused connection or 0.9 s without a verdict, is a no.
 */
export function askPort(
  port: number,
  request: Uint8Array | string,
  judge: (answer: Buffer) => boolean | undefined,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const timer = setTimeout(() => end(false), 900)
    let answer = Buffer.alloc(0)

    const end = (yes: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(yes)
    }

    socket.once('connect', () => socket.write(request))
    socket.on('data', (data) => {
      answer = Buffer.concat([answer, data])

      const verdict = judge(answer)

      if (verdict !== undefined) end(verdict)
    })
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
  })
}
