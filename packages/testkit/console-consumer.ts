import { kafkaTool } from '@timesale/local/infrastructure/kafka'

// Kafka's own console consumer, told to print records so that they can be read back byte by byte.

/** A record as it was printed. All texts are Latin-1, one character a byte: `utf8` makes them readable. */
export interface PrintedRecord {
  readonly partition: number
  readonly offset: number
  /** For `headersOf`. */
  readonly headers: string
  /** Undefined where the record has none. */
  readonly key: string | undefined
  readonly value: string | undefined
}

/** How to start it; what it prints is Latin-1 to whoever splits it with `PrintedRecords`. */
export function consoleConsumer(
  brokers: string,
  topic: string,
  options: readonly string[],
): Promise<{ file: string; args: string[] }> {
  const properties = {
    ...{ 'print.partition': 'true', 'print.offset': 'true', 'print.headers': 'true', 'print.key': 'true' },
    ...{ 'key.separator': FIELD, 'headers.separator': HEADER, 'line.separator': LINE, 'null.literal': NULL },
  }
  return kafkaTool('console-consumer', [
    ...['--bootstrap-server', brokers, '--topic', topic, '--from-beginning', ...options],
    ...Object.entries(properties).flatMap(([name, value]) => ['--formatter-property', `${name}=${value}`]),
  ])
}

/** Puts what is printed piece by piece together to records. */
export class PrintedRecords {
  #rest = ''

  /** The records that are whole by now. */
  add(latin1: string): PrintedRecord[] {
    const lines = (this.#rest + latin1).split(LINE)
    this.#rest = lines.pop() ?? ''
    return lines.flatMap((line) => recordOf(line) ?? [])
  }
}

export function headersOf(printed: string): Record<string, string> {
  const headers: Record<string, string> = {}
  if (printed === 'NO_HEADERS') return headers
  for (const header of printed.split(HEADER)) {
    const colon = header.indexOf(':')
    headers[utf8(header.slice(0, colon))] = utf8(header.slice(colon + 1))
  }
  return headers
}

export function utf8(latin1: string): string {
  return ASCII.test(latin1) ? latin1 : Buffer.from(latin1, 'latin1').toString('utf8')
}

// What no record of a test holds, or lines could not be told apart.
const FIELD = '\u0001|\u0001'
const HEADER = '\u0002|\u0002'
const LINE = '\u0003|\u0003\n'
const NULL = '\u0004'
const ASCII = /^[\0-\x7f]*$/

function recordOf(line: string): PrintedRecord | undefined {
  const [partition, offset, headers, key, ...rest] = line.split(FIELD)
  if (partition === undefined || offset === undefined || headers === undefined || key === undefined) return undefined
  const value = rest.length === 1 ? rest[0] : rest.join(FIELD)
  return {
    partition: Number(partition.replace('Partition:', '')),
    offset: Number(offset.replace('Offset:', '')),
    headers,
    key: key === NULL ? undefined : key,
    value: value === NULL ? undefined : value,
  }
}
