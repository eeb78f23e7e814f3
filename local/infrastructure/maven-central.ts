import type { Pin } from './pins.ts'

/**
 * NOTE: mvn-artifact-download, which is built on the same package, leaves an error in the middle of a body unhandled: a
 * connection that breaks ends the whole process, and one that stalls waits for ever. So only the address is taken from there.
 */
export async function fetchFromMavenCentral(pin: Pin, signal: AbortSignal): Promise<Uint8Array> {
  // Loaded by the one start that fetches something.
  const { default: artifactUrl } = await import('mvn-artifact-url')
  const url = await artifactUrl.default({ groupId: pin.group, artifactId: pin.artifact, version: pin.version })
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(new Error(`no byte for ${silenceMaxMs / 1000} s`)), silenceMaxMs)

  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, silence.signal]) })

    if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`)

    const chunks: Uint8Array[] = []

    for await (const chunk of response.body) {
      timer.refresh()
      chunks.push(chunk)
    }

    return Buffer.concat(chunks)
  } finally {
    clearTimeout(timer)
  }
}

const silenceMaxMs = 20_000
