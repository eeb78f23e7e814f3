import { inspect } from 'node:util'

interface TestEvent {
  readonly type: string
  readonly data: {
    readonly name: string
    readonly file?: string
    readonly details?: { readonly error?: Error & { readonly failureType?: string } }
  }
}

/** A reporter for `node --test`: of each test that fails its file, its name and why, and nothing of those around it. */
export default async function* failedTests(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    const error = data.details?.error
    if (type !== 'test:fail' || error?.failureType === 'subtestsFailed') continue
    yield `✖ ${data.name}\n  ${data.file ?? ''}\n  ${inspect(error?.cause ?? error).replaceAll('\n', '\n  ')}\n`
  }
}
