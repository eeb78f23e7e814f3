import type { Reply } from '@timesale/http/server'
import type { LiveSink } from './live-streams.ts'

/** Begins to answer with a stream. `gone`: when the caller has hung up. */
export function openSink(reply: Reply): { sink: LiveSink; gone: Promise<void> } {
  const { sse, raw } = reply
  const gone = Promise.withResolvers<void>()
  const send = (event: Parameters<typeof sse.send>[0]): void => {
    if (sse.isConnected) sse.send(event).catch(() => undefined)
  }
  sse.onClose(() => gone.resolve())
  // Gone before it began: nobody would hear of it.
  if (sse.isConnected) sse.sendHeaders()
  else gone.resolve()
  const sink = {
    send,
    hintRetry: (retry: number) => send({ data: undefined, retry }),
    isFull: () => raw.writableNeedDrain,
    drop: () => raw.destroy(),
  }
  return { sink, gone: gone.promise }
}
