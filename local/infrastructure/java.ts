import { execFile } from 'node:child_process'
import { delimiter, join } from 'node:path'

export const javaVersionMin = 17

export interface Java {
  readonly path: string
  readonly version: number
  /** Everything it says about itself, so that two run times can be told apart. */
  readonly banner: string
}

/** The first Java that is new enough; else the newest there is, so that it can be named; else undefined. */
export async function findJava(): Promise<Java | undefined> {
  const found: Java[] = []

  for (const path of candidates()) {
    const java = await askVersion(path)

    if (!java) continue
    if (java.version >= javaVersionMin) return java
    found.push(java)
  }

  return found.toSorted((a, b) => b.version - a.version)[0]
}

/** Throws what a person has to read. */
export async function getJava(): Promise<Java> {
  const java = await findJava()

  if (!java || java.version < javaVersionMin) throw new Error(javaHelp(java))

  return java
}

export function javaHelp(found?: { path: string; version: number }): string {
  return `Kafka needs Java ${javaVersionMin} or newer; ${found ? `${found.path} is Java ${found.version}` : 'none was found in JAVA_HOME or PATH'}.
  Debian, Ubuntu, WSL:  sudo apt install openjdk-17-jre-headless
  Fedora:               sudo dnf install java-latest-openjdk-headless
  macOS:                brew install openjdk
  Elsewhere:            any build of OpenJDK ${javaVersionMin}+; point JAVA_HOME at it
Or use a Kafka of your own, which needs no Java here: KAFKA_BROKERS=host:9092 npm start`
}

/** `17.0.15`, `1.8.0_392`, `25-ea` or `21`, as in the first line of `java -version`. */
export function parseJavaVersion(banner: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(banner) ?? []

  return first === undefined ? undefined : Number(first === '1' ? second : first)
}

function candidates(): string[] {
  const { JAVA_HOME: home, PATH: path = '' } = process.env
  const homes = home ? [home] : []
  // Homebrew keeps its Java off the PATH unless a link is made by hand.
  const kegs = process.platform === 'darwin' ? ['/opt/homebrew/opt/openjdk', '/usr/local/opt/openjdk'] : []
  const inPath = path.split(delimiter).filter((folder) => folder !== '')

  return [...homes.map(javaOf), ...inPath.map((folder) => join(folder, 'java')), ...kegs.map(javaOf)]
}

function javaOf(home: string): string {
  return join(home, 'bin', 'java')
}

function askVersion(path: string): Promise<Java | undefined> {
  return new Promise((answer) => {
    // macOS has a java in /usr/bin that only says that there is none; it prints no version.
    execFile(path, ['-version'], { timeout: 10_000 }, (error, stdout, stderr) => {
      const banner = `${stderr}${stdout}`
      const version = error ? undefined : parseJavaVersion(banner)

      answer(version === undefined ? undefined : { path, version, banner })
    })
  })
}
