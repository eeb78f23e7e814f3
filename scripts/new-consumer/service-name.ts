import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GROUPS, VIEW_GROUPS } from '@timesale/contracts/topics'
import { isServiceName, serviceNames } from '@timesale/local/shop/ports'
import { BANNED_NAMES } from '../repository-files.ts'

// It becomes a folder, a package, a database, a consumer group, a part of functions' names and the prefix of settings: letters and
// digits are the least that all of these take. Longer ones would break lines that the template has in one.
const NAME = /^[a-z][a-z0-9]{1,19}$/
/** Where Node, npm and what they use read settings, of which a service with that prefix would deprive all others. */
const FOREIGN_PREFIXES = new Set([
  ...['node', 'npm', 'nvm', 'uv', 'openssl', 'ssl', 'http', 'https', 'no', 'all', 'xdg', 'lc', 'git'],
])
/** A folder that is never looked at, roles that PostgreSQL keeps for itself (`pg_…`), and functions that the template has already. */
const UNUSABLE = new Set(['dist', 'pg', 'infrastructure'])

/** Why a new service cannot be called so; undefined where it can. */
export function objectionTo(name: string, root: string): string | undefined {
  if (!NAME.test(name)) {
    return `'${name}' cannot be the name of a service: 2 to 20 letters from a to z and digits, with a letter first, such as 'loyalty'.`
  }
  if (isServiceName(name)) return `There is a service '${name}' already. All there are: ${serviceNames.join(', ')}.`
  if (Object.hasOwn(GROUPS, name) || Object.hasOwn(VIEW_GROUPS, name))
    return `There is a consumer group '${name}' already.`
  if (BANNED_NAMES.test(name)) return `'${name}' says nothing of what it does, and is refused by the import rules.`
  const taken = [`services/${name}`, `packages/${name}`, name].find((path) => existsSync(join(root, path)))
  if (taken !== undefined) return `'${name}' is taken: there is ${taken}/.`
  const key = settingsOf(root).find((one) => one.startsWith(`${name.toUpperCase()}_`))
  if (key !== undefined) return `'${name}' is taken: ${key} is a setting of something else (.env.example).`
  if (FOREIGN_PREFIXES.has(name))
    return `'${name}' is taken: ${name.toUpperCase()}_ begins what Node, npm or what they use is told.`
  if (UNUSABLE.has(name)) return `'${name}' cannot be the name of a service: it means something else to the tools.`
  return undefined
}

function settingsOf(root: string): string[] {
  const text = readFileSync(join(root, '.env.example'), 'utf8')
  return [...text.matchAll(/^# ([A-Z][A-Z0-9_]+)=/gm)].map((found) => found[1] ?? '')
}
