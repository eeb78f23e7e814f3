import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { classArchiveOptions } from './class-archive.ts'
import { ensureJars, type JarProgress } from './jars.ts'
import { getJava } from './java.ts'
import { kafkaPins } from './pins.ts'

export interface KafkaMain {
  readonly mainClass: string
  readonly args: readonly string[]
  readonly jvmOptions: readonly string[]
  readonly logging: 'broker' | 'tool'
  /** Whether this process, when it ends in peace, may leave a class archive for those after it. */
  readonly mayWriteArchive?: boolean
  readonly onProgress?: JarProgress | undefined
}

/** The command line of one of Kafka's main classes; fetches what is missing. */
export async function kafkaCommand(main: KafkaMain): Promise<{ file: string; args: string[] }> {
  const java = await getJava()
  const jars = await ensureJars(kafkaPins, { onProgress: main.onProgress })
  const logging = pathToFileURL(join(import.meta.dirname, `${main.logging}-logging.properties`))

  return {
    file: java.path,
    args: [
      '-XX:+UseSerialGC',
      ...main.jvmOptions,
      ...(await classArchiveOptions(java, jars, main.mayWriteArchive ?? false)),
      `-Dlog4j2.configurationFile=${logging.href}`,
      '-cp',
      jars.join(delimiter),
      main.mainClass,
      ...main.args,
    ],
  }
}

/** A JVM takes the encoding of file names from the locale, and a data folder may have any name. */
export const jvmEnv: Readonly<Record<string, string>> = process.platform === 'darwin' ? {} : { LC_ALL: 'C.UTF-8' }
