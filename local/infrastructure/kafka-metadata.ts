/** A whole Metadata request (version 2, no topics): it asks who the brokers are. */
export function metadataRequest(): Buffer {
  const request = Buffer.alloc(4 + 2 + 2 + 4 + 2 + 4)

  request.writeInt32BE(request.length - 4, 0)
  request.writeInt16BE(3, 4) // the number of the Metadata call
  request.writeInt16BE(2, 6)
  request.writeInt32BE(1, 8) // a number that comes back with the answer
  request.writeInt16BE(-1, 12) // no client id
  request.writeInt32BE(0, 14) // no topics

  return request
}

export interface Members {
  readonly clusterId: string | undefined
  readonly brokers: readonly number[]
}

/** The brokers that the answering one takes for alive; undefined while the answer is not complete. */
export function readMembers(answer: Buffer): Members | undefined {
  if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return undefined

  let at = 12
  const brokers: number[] = []

  const readText = () => {
    const length = answer.readInt16BE(at)
    const text = length < 0 ? undefined : answer.toString('utf8', at + 2, at + 2 + length)

    at += 2 + Math.max(0, length)

    return text
  }

  for (let left = answer.readInt32BE(8); left > 0; left -= 1) {
    brokers.push(answer.readInt32BE(at))
    at += 4
    readText() // host
    at += 4 // port
    readText() // rack
  }

  return { clusterId: readText(), brokers }
}
