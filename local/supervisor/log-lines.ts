import { styleText } from 'node:util'
import type { Part } from '../part.ts'

const levelNames: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}
const warnLevel = 40
/** Fields that every line of a service has, and that say nothing more to a person. */
const plainFields = new Set(['level', 'time', 'msg', 'service', 'pid', 'hostname', 'v', 'err', 'error'])
const prefixWidth = 21

interface ReadableLine {
  readonly text: string
  /** Whether a person should see it without having asked for every line. */
  readonly important: boolean
}

/** A line of a service's log (one JSON object of pino's) or of any other program, for people. */
export function readableLine(line: string, kind: Part['kind'] | undefined): ReadableLine {
  const record = pinoRecord(line)
  // A service writes plain text only when it cannot do better: a stack trace of the very end, or a broken environment.
  if (record === undefined) return { text: line, important: kind === 'service' && line.trim() !== '' }
  const level = Number(record['level'])
  const time = typeof record['time'] === 'string' ? record['time'].slice(11, 19) : ''
  const fields = Object.entries(record)
    .filter(([key]) => !plainFields.has(key))
    .map(([key, value]) => `${key}=${textOf(value)}`)
  const parts = [time, levelNames[level] ?? String(level), textOf(record['msg']), errorOf(record), ...fields]
  return { text: parts.filter((part) => part !== '').join(' '), important: level >= warnLevel }
}

export function prefixed(part: string, text: string): string {
  return `${styleText(colourOf(part), part.padEnd(prefixWidth))} ${text}`
}

function pinoRecord(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const record: unknown = JSON.parse(line)
    return typeof record === 'object' && record !== null && 'level' in record ? { ...record } : undefined
  } catch {
    return undefined
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
}

function errorOf(record: Readonly<Record<string, unknown>>): string {
  const error = record['err'] ?? record['error']
  if (typeof error === 'string') return error
  if (typeof error !== 'object' || error === null) return ''
  const { type, message, code } = error as { type?: unknown; message?: unknown; code?: unknown }
  return [type, message, code]
    .filter((word) => typeof word === 'string' && word !== '' && word !== record['msg'])
    .join(': ')
}

const colours = ['cyan', 'green', 'magenta', 'blue', 'yellow'] as const

// The same colour for a service and its database, in every command.
function colourOf(part: string): (typeof colours)[number] {
  const owner = part.replace(/^postgres-/, '')
  const sum = Buffer.from(owner).reduce((total, byte) => total + byte, 0)
  return colours[sum % colours.length] ?? 'cyan'
}
