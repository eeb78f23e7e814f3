import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'

export interface PortUse {
  readonly port: number
  /** Absent when the process cannot be told, which is so for those of other users. */
  readonly pid?: number
}

/** Which of the ports are taken on loopback or on every address, and by whom where that can be told. */
export async function portsInUse(ports: readonly number[]): Promise<PortUse[]> {
  const listeners = process.platform === 'linux' ? linuxListeners(ports) : lsofListeners()
  const uses = await Promise.all(
    ports.map(async (port): Promise<PortUse | undefined> => {
      const listener = listeners.find((candidate) => candidate.port === port)
      if (listener !== undefined) return listener
      // Under WSL the Windows side may hold a port that no process here does.
      return (await canListen(port)) ? undefined : { port }
    }),
  )
  return uses.filter((use) => use !== undefined)
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

function linuxListeners(ports: readonly number[]): PortUse[] {
  const sockets = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => parseListeners(readOrEmpty(path)))
  const taken = sockets.filter((socket) => ports.includes(socket.port))
  if (taken.length === 0) return []
  const owners = socketOwners(new Set(taken.map((socket) => socket.inode)))
  return taken.map(({ port, inode }) => {
    const pid = owners.get(inode)
    return pid === undefined ? { port } : { port, pid }
  })
}

/** Listening sockets of `/proc/net/tcp` or `tcp6` that a client of localhost would reach. */
export function parseListeners(text: string): { port: number; inode: string }[] {
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
    const [address = '', port = ''] = local.split(':')
    if (state !== '0A' || inode === undefined || !isLocal(address)) return []
    return [{ port: Number.parseInt(port, 16), inode }]
  })
}

// Every address, 127.x.x.x, ::1 and ::ffff:127.x.x.x, as the kernel writes them: words of four bytes in its own byte order.
function isLocal(hex: string): boolean {
  return /^(0+|[\dA-F]{6}7F|0{24}01000000|0{16}FFFF0000[\dA-F]{6}7F)$/.test(hex)
}

function socketOwners(inodes: ReadonlySet<string>): Map<string, number> {
  const owners = new Map<string, number>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const link of openFiles(pid)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
      // The lowest pid first, as children inherit sockets from the process that opened them.
      if (inode !== undefined && inodes.has(inode) && !owners.has(inode)) owners.set(inode, Number(pid))
    }
  }
  return owners
}

function openFiles(pid: string): string[] {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).map((name) => {
      try {
        return readlinkSync(`${folder}/${name}`)
      } catch {
        return '' // Closed meanwhile.
      }
    })
  } catch {
    return [] // Another user's, or gone.
  }
}

function lsofListeners(): PortUse[] {
  try {
    const text = execFileSync('lsof', ['-nP', '-iTCP', '-sTCP:LISTEN', '-Fpn'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return parseLsof(text)
  } catch {
    return []
  }
}

/** `lsof -Fpn`: a line `p<pid>` begins a process, each `n<address>:<port>` below it is a socket of it. */
export function parseLsof(text: string): { port: number; pid: number }[] {
  let pid = 0
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('p')) pid = Number(line.slice(1))
    const match = /^n(\*|127\.[\d.]+|\[::1?\]|localhost):(\d+)$/.exec(line)
    return match === null ? [] : [{ port: Number(match[2]), pid }]
  })
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
