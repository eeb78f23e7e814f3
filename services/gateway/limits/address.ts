import { isIPv6 } from 'node:net'

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const GROUPS = 8
const NETWORK_GROUPS = 4

/**
 * Whom an address stands for: IPv4 as it is, also where it is written as IPv6 (`::ffff:1.2.3.4`); of IPv6 the first 64
 * bits, since that is the least that one customer has (RFC 6177).
 */
export function addressKey(address: string): string {
  const mapped = MAPPED.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(address)) return address.slice(0, 64)
  const [bare = ''] = address.split('%')
  const [before = '', after = ''] = bare.split('::')
  const first = groupsOf(before)
  const last = groupsOf(after)
  const zeros = bare.includes('::') ? GROUPS - first.length - last.length : 0
  const groups = [...first, ...Array.from({ length: zeros }, () => '0'), ...last]
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}

// The last 32 bits may be written as IPv4; they are two groups, and beyond the first 64 bits in any case.
function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]))
}
