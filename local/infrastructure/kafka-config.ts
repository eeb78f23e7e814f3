export interface BrokerPorts {
  /** For clients on this machine and for the other brokers. */
  readonly internal: number
  /** The OUTSIDE listener. */
  readonly outside: number
  /** Where clients of the OUTSIDE listener are sent instead, when something stands before it. */
  readonly advertisedOutside?: number
  readonly controller: number
}

export interface BrokerSettings {
  readonly broker: number
  /** The ports of all brokers, the first one's first. */
  readonly ports: readonly BrokerPorts[]
  readonly logDir: string
}

/** One broker's server.properties. Each broker is a controller too, so the same text serves one broker or three. */
export function brokerProperties({ broker, ports, logDir }: BrokerSettings): string {
  const own = ports[broker - 1]

  if (!own) throw new Error(`There are no ports for broker ${broker}.`)

  const voters = ports.map(({ controller }, index) => `${index + 1}@${host}:${controller}`)
  const replicas = Math.min(3, ports.length)
  const insync = Math.min(2, replicas)

  return propertiesText({
    'process.roles': 'broker,controller',
    'node.id': broker,
    'controller.quorum.voters': voters.join(','),
    'log.dirs': logDir,

    listeners: `PLAINTEXT://${host}:${own.internal},OUTSIDE://${host}:${own.outside},CONTROLLER://${host}:${own.controller}`,
    'advertised.listeners': `PLAINTEXT://${host}:${own.internal},OUTSIDE://${host}:${own.advertisedOutside ?? own.outside}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',

    // A mistyped topic is an error, not a topic.
    'auto.create.topics.enable': false,
    'num.partitions': 6,
    'default.replication.factor': replicas,
    'min.insync.replicas': insync,
    'unclean.leader.election.enable': false,

    // Facts are kept for ever, and so is the place up to which a group has read them: seven days with the shop stopped must not send a consumer back to the beginning.
    'log.retention.ms': -1,
    'offsets.retention.minutes': 2_147_483_647,

    // Fifty partitions each, the default, are files and seconds of start-up that nobody needs on one machine.
    'offsets.topic.num.partitions': 6,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': 6,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': insync,
    'share.coordinator.state.topic.num.partitions': 6,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': insync,

    // A person who starts a consumer waits for its first record, and tests let sessions lapse in a second.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,

    // A killed broker's partitions have a new leader after three seconds instead of nine.
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 3_000,

    // Memory and threads for one machine that runs a whole shop beside it.
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 4,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    'log.cleaner.io.buffer.size': 128 * 1024,
  })
}

/** Java reads properties files as Latin-1, with the backslash as escape. */
function propertiesText(settings: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(settings)
    .map(
      ([key, value]) =>
        `${key}=${String(value)
          .replaceAll('\\', '\\\\')
          .replaceAll(/[^ -~]/g, escaped)}\n`,
    )
    .join('')
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

const host = '127.0.0.1'
