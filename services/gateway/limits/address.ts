import { isIPv6 } from 'node:net'

// As proxies write whom they have seen: `1.2.3.4:5`, `[::1]:5`, `[::1]`.
const WITH_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$|^\[([^\]]+)\](?::\d+)?$/
const GROUPS = 8
const NETWORK_GROUPS = 4

/**
 * Whom an address stands for: IPv4 as it is, also where it is written as IPv6 (`::ffff:1.2.3.4`); of IPv6 the first 64
 * bits, since that is the least that one customer has (RFC 6177). A port stands for nobody.
 */
export function addressKey(address: string): string {
  const [, ofV4, ofV6] = WITH_PORT.exec(address) ?? []
  const host = ofV4 ?? ofV6 ?? address
  if (!isIPv6(host)) return host.slice(0, 64)
  const [bare = ''] = host.split('%')
  const [before = '', after = ''] = bare.split('::')
  const first = groupsOf(before)
  const last = groupsOf(after)
  const zeros = Array.from({ length: bare.includes('::') ? GROUPS - first.length - last.length : 0 }, () => 0)
  const groups = [...first, ...zeros, ...last]
  return mappedOf(groups) ?? `${networkOf(groups)}::/64`
}

function networkOf(groups: readonly number[]): string {
  const network = groups.slice(0, NETWORK_GROUPS)
  return network.map((group) => group.toString(16)).join(':')
}

// RFC 4291, 2.5.5.2.
function mappedOf(groups: readonly number[]): string | undefined {
  if (groups.slice(0, 6).join() !== '0,0,0,0,0,65535') return undefined
  const bytes = groups.slice(6).flatMap((group) => [group >> 8, group & 0xff])
  return bytes.join('.')
}

// The last 32 bits may be written as IPv4; they are two groups.
function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').flatMap((group) => (group.includes('.') ? pairOf(group) : hex(group)))
}

function pairOf(ipv4: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}

function hex(group: string): number {
  return Number.parseInt(group, 16)
}
