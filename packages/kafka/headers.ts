/** A record's headers as the outbox keeps them: text where that is lossless, else base64. */
export type StoredHeader =
  | readonly [name: string, value: string]
  | readonly [name: string, value: string, encoding: 'base64']

export function storeHeader(name: Buffer, value: Buffer | null): StoredHeader {
  const bytes = value ?? Buffer.alloc(0)
  const text = bytes.toString('utf8')
  const lossless = Buffer.from(text, 'utf8').equals(bytes)
  return lossless ? [name.toString('utf8'), text] : [name.toString('utf8'), bytes.toString('base64'), 'base64']
}

export function headerBytes([name, value, encoding]: StoredHeader): [Buffer, Buffer] {
  return [Buffer.from(name, 'utf8'), Buffer.from(value, encoding === 'base64' ? 'base64' : 'utf8')]
}
