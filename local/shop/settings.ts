import { Complaint } from '../commands/command-line.ts'
import { readJson, writeJson, type DataFolder } from './data-folder.ts'

/** What a shop remembers from one start to the next. */
export interface Settings {
  readonly portOffset: number
  /** Absent until brokers of our own were started once on this data. */
  readonly brokers?: 1 | 3
}

export interface AskedSettings {
  readonly portOffset?: number | undefined
  readonly brokers?: 1 | 3 | undefined
}

export function rememberedSettings(folder: DataFolder): Settings | undefined {
  const value = readJson(folder.settings)
  if (typeof value !== 'object' || value === null) return undefined
  const { portOffset, brokers } = value as { portOffset?: unknown; brokers?: unknown }
  if (typeof portOffset !== 'number') return undefined
  return { portOffset, ...(brokers === 1 || brokers === 3 ? { brokers } : {}) }
}

export function rememberSettings(folder: DataFolder, settings: Settings): void {
  writeJson(folder.settings, settings)
}

export function chooseSettings(remembered: Settings | undefined, asked: AskedSettings, ownKafka: boolean): Settings {
  const portOffset = asked.portOffset ?? remembered?.portOffset ?? 0
  if (ownKafka) {
    if (asked.brokers !== undefined) {
      throw new Complaint(
        '--brokers is for brokers started here, but KAFKA_BROKERS names a Kafka of your own. Leave one of the two out.',
      )
    }
    return { ...remembered, portOffset }
  }
  const brokers = asked.brokers ?? remembered?.brokers ?? 1
  if (remembered?.brokers !== undefined && remembered.brokers !== brokers) {
    // The topics of the data lie on as many brokers as there were when they were made.
    throw new Complaint(
      `This data was made with ${remembered.brokers} Kafka broker${remembered.brokers === 1 ? '' : 's'}, and cannot go on with ${brokers}.\n` +
        `  To go on with what is there:  npm start -- --brokers ${remembered.brokers}\n` +
        `  To begin anew:                npm run reset, then npm start -- --brokers ${brokers}\n` +
        `  To have both:                 npm start -- --brokers ${brokers} --data ANOTHER_FOLDER --port-offset 1000`,
    )
  }
  return { portOffset, brokers }
}
