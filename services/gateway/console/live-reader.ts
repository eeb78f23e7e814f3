import assert from 'node:assert/strict'
import type { Happened, LiveView } from '@timesale/contracts/console-api'

/** For tests: somebody who looks at the live page. */
export interface LiveReader extends AsyncDisposable {
  /** All that were shown so far. */
  views(): LiveView[]
  happened(): Happened[]
  isOver(): boolean
}

export async function readLive(base: string, headers: Readonly<Record<string, string>>): Promise<LiveReader> {
  const leave = new AbortController()
  const response = await fetch(`${base}/api/console/live`, { headers, signal: leave.signal })
  assert.equal(response.status, 200, await textOf(response))
  const views: LiveView[] = []
  const happened: Happened[] = []
  let isOver = false
  const read = async (): Promise<void> => {
    let text = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (text + chunk).split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (data !== undefined && block.includes('event: live')) views.push(JSON.parse(data) as LiveView)
        if (data !== undefined && block.includes('event: happened')) happened.push(JSON.parse(data) as Happened)
      }
    }
    isOver = true
  }
  const ended = read().catch(() => undefined)
  return {
    views: () => views,
    happened: () => happened,
    isOver: () => isOver,
    async [Symbol.asyncDispose]() {
      leave.abort()
      await ended
    },
  }
}

// Of a stream there is none that ends.
async function textOf(response: Response): Promise<string> {
  return response.ok ? '' : await response.text()
}
