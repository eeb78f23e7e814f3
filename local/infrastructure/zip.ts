import { crc32, inflateRawSync } from 'node:zlib'

/**
 * One file out of a zip archive, a jar for one; undefined when there is none of that name.
 * Reads what jar tools write: no encryption, no ZIP64, entries stored or deflated.
 */
export function findZipEntry(archive: Buffer, name: string): Buffer | undefined {
  const end = archive.lastIndexOf('PK\x05\x06', undefined, 'latin1')

  if (end < 0) throw new Error('This is not a zip archive.')

  const entries = archive.readUInt16LE(end + 10)
  let at = archive.readUInt32LE(end + 16)

  for (let entry = 0; entry < entries; entry += 1) {
    const nameLength = archive.readUInt16LE(at + 28)
    const found = archive.toString('utf8', at + 46, at + 46 + nameLength)

    if (found === name) return unpack(archive, at)
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }

  return undefined
}

function unpack(archive: Buffer, directoryEntry: number): Buffer {
  const method = archive.readUInt16LE(directoryEntry + 10)
  const checksum = archive.readUInt32LE(directoryEntry + 16)
  const packedSize = archive.readUInt32LE(directoryEntry + 20)
  const local = archive.readUInt32LE(directoryEntry + 42)
  // The header beside the data repeats name and extra field, and the latter may differ in length from the directory's.
  const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
  const packed = archive.subarray(start, start + packedSize)
  const content = method === 0 ? packed : inflateRawSync(packed)

  if (crc32(content) !== checksum) throw new Error('An entry of the archive is damaged.')

  return content
}
