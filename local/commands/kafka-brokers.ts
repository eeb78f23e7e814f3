import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Complaint } from './command-line.ts'
import { metadataRequest } from '../infrastructure/kafka-metadata.ts'

/** For the first answer; then a little for the others. */
const ANSWER_MS = 10_000
const OTHERS_MS = 300

/** Whether one of Kafka's tools, called with these, is still to be told whom to ask. */
export function needsBrokers(args: readonly string[]): boolean {
  return !args.some((arg) => /^--(bootstrap-(server|controller)(=|$)|(help|version)$)/.test(arg))
}

/**
 * Those of the list that answer, since Kafka's tools go on trying for ever, or for a minute without a word, where nobody
 * does. Rejects with a Complaint where none is left; `lookAt` says where to find out why.
 */
export async function answeringBrokers(list: string, lookAt: string, withinMs = ANSWER_MS): Promise<string> {
  const addresses = list.split(',').map((address) => address.trim())
  const answering = new Set<string>()
  const enough = new AbortController()
  const asked = addresses.map(async (address) => {
    if (await answersAt(address, withinMs, enough.signal)) answering.add(address)
    return answering.has(address)
  })
  const first = Promise.any(asked.map(async (one) => (await one) || Promise.reject(new Error('It does not answer'))))
  await first.catch(() => undefined)
  await Promise.race([Promise.all(asked), sleep(OTHERS_MS)])
  enough.abort()
  if (answering.size === 0) throw new Complaint(`Kafka does not answer at ${list}. Look at ${lookAt}.`)
  return addresses.filter((address) => answering.has(address)).join(',')
}

/**
 * A broker that is paused takes connections too, by its kernel, so it is asked something. One that wants TLS or a password
 * hangs up on the question; it is awake all the same, and the tool may have been given what it wants.
 */
function answersAt(address: string, withinMs: number, enough: AbortSignal): Promise<boolean> {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d{1,5})$/.exec(address) ?? []
  if (host === '' || Number(port) < 1 || Number(port) > 65_535) return Promise.resolve(false)
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) })
    let isConnected = false
    const end = (answers: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answers)
    }
    const timer = setTimeout(() => end(false), withinMs)
    enough.addEventListener('abort', () => end(false), { once: true })
    socket.once('connect', () => {
      isConnected = true
      socket.write(metadataRequest())
    })
    socket.once('data', () => end(true))
    socket.once('end', () => end(true))
    socket.once('error', () => end(isConnected))
  })
}
