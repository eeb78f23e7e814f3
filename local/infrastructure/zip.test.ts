import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import { findZipEntry } from './zip.ts'

test('an entry is found by its name, packed or not', () => {
  const archive = zipOf({ 'a/first': 'x'.repeat(500), second: 'plain' })

  assert.equal(findZipEntry(archive, 'a/first')?.toString(), 'x'.repeat(500))
  assert.equal(findZipEntry(archive, 'second')?.toString(), 'plain')
})

test('a name that is not in the archive is undefined', () => {
  assert.equal(findZipEntry(zipOf({ one: '1' }), 'two'), undefined)
})

test('a damaged entry is noticed', () => {
  const archive = zipOf({ second: 'plain' })

  archive.write('grain', archive.indexOf('plain'))

  assert.throws(() => findZipEntry(archive, 'second'), /damaged/)
})

test('what is not an archive is refused', () => {
  assert.throws(() => findZipEntry(Buffer.from('<html>'), 'one'), /not a zip/)
})

/** Long contents are deflated, short ones stored; the headers beside the data have an extra field that the directory lacks, as jars do. */
function zipOf(files: Record<string, string>): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0

  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text)
    const method = content.length > 100 ? 8 : 0
    const packed = method === 8 ? deflateRawSync(content) : content
    const local = Buffer.alloc(30)
    const central = Buffer.alloc(46)

    local.writeUInt16LE(name.length, 26)
    local.writeUInt16LE(4, 28)
    central.writeUInt16LE(method, 10)
    central.writeUInt32LE(crc32(content), 16)
    central.writeUInt32LE(packed.length, 20)
    central.writeUInt16LE(name.length, 28)
    central.writeUInt32LE(offset, 42)
    parts.push(local, Buffer.from(name), Buffer.alloc(4), packed)
    directory.push(central, Buffer.from(name))
    offset += 30 + name.length + 4 + packed.length
  }

  const end = Buffer.alloc(22)

  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(Object.keys(files).length, 10)
  end.writeUInt32LE(offset, 16)

  return Buffer.concat([...parts, ...directory, end])
}
