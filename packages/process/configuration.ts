import { readConfigFile } from './config-file.ts'
import { askConfigServer, type ConfigServer } from './config-server.ts'
import { joinSettings, type Settings } from './config-values.ts'

/** What a process is told from outside at its start. */
export interface Configuration {
  /** All of it, as one environment. */
  readonly env: NodeJS.ProcessEnv
  /** Where it was looked for, the first before the next; for people. */
  readonly places: readonly string[]
}

/**
 * Collects an application's configuration: its environment, then the file that CONFIG_FILE names, then what the server
 * at CONFIG_URL has for it. The first one that has a key decides. Throws NoConfiguration where one of them was named and
 * cannot be had. `say` hears of a server that is waited for.
 */
export async function collectConfiguration(
  application: string,
  env: NodeJS.ProcessEnv,
  say: (text: string) => void,
): Promise<Configuration> {
  const sources: Settings[] = []
  const places = ['the environment']
  const path = env['CONFIG_FILE'] || undefined
  if (path !== undefined) {
    sources.push(await readConfigFile(path))
    places.push(`the file ${path}`)
  }
  // The file may say where the server is.
  const server = serverOf(joinSettings('', [env, ...sources]))
  if (server !== undefined) {
    const answer = await askConfigServer(server, application, say)
    sources.push(...answer.sources)
    places.push(answer.place)
  }
  return { env: joinSettings(`${application.toUpperCase()}_`, [env, ...sources]), places }
}

function serverOf(env: NodeJS.ProcessEnv): ConfigServer | undefined {
  const url = env['CONFIG_URL']
  return url === undefined
    ? undefined
    : { url, profile: env['CONFIG_PROFILE'] ?? 'default', label: env['CONFIG_LABEL'] }
}
