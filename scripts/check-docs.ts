import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { EVENTS } from '../contracts/catalogue.ts'
import { REFUSALS } from '../contracts/refusals.ts'
import { topicSpecs } from '../contracts/topics.ts'
import { lineAt, report, repositoryFiles, repositoryRoot } from './repository-files.ts'

// Documents go stale in silence. What they name must exist: paths, headings, npm scripts, events, refusals, topics and
// environment keys. Prose stays the reader's to judge.

const EXTENSIONS = 'ts|mjs|js|json|sql|md|xml|yaml|yml|properties|example'
const FILE_NAME = new RegExp(`\\.(${EXTENSIONS})$`)
// `.test.ts` and the like: the end of a name, and no name.
const SUFFIX = new RegExp(`^(\\.(test|int|e2e|faults))*\\.(${EXTENSIONS})$`)
const EXPERIMENT = /^\d{2}-/
const KOREAN = /\.ko\.md$/
const NPM = /\bnpm (?:run ([a-z][a-z0-9-]*(?::[a-z0-9-]+)*)(?: -w ([a-z]+))?|(start|test)\b)/g

const everyFile = repositoryFiles([''])
const documents = repositoryFiles(['.md'])
const sources = repositoryFiles(['.ts', '.mjs', '.sql', '.xml'])
const npmScripts = scriptsOf('package.json')
const problems: string[] = []

for (const file of documents) checkDocument(file)
for (const file of sources) checkSource(file)
checkCatalogue('contracts/README.md')
const experimentCount = checkExperiments()
await checkConsumers('contracts/README.md')
const keyCount = await checkEnvironment('.env.example')

if (documents.length === 0 || sources.length === 0)
  problems.push('scripts/check-docs.ts:1 nothing was found to look at')
report(
  problems,
  `${documents.length} documents, ${sources.length} source files, ${keyCount} environment keys, ${experimentCount} experiments`,
)

function checkDocument(file: string): void {
  const text = read(file)
  checkNpm(file, text)
  // Inside fences there is code, whose paths may be anything.
  const prose = text.replaceAll(/^(`{3,})[^\n]*\n[\s\S]*?^\1/gm, blank)
  for (const link of prose.matchAll(/\[[^\]\n]*\]\(([^)\s]+)\)/g))
    checkLink(file, lineAt(text, link.index), link[1] ?? '')
  for (const code of prose.matchAll(/`([^`\n]+)`/g)) {
    const path = code[1] ?? ''
    if (isPath(path) && !pathExists(file, path)) complain(file, lineAt(text, code.index), `${path} does not exist`)
  }
}

function checkSource(file: string): void {
  const text = read(file)
  checkNpm(file, text)
  for (const named of text.matchAll(/[A-Za-z0-9_./-]*[A-Za-z0-9_]\.md\b/g)) {
    if (!pathExists(file, named[0])) complain(file, lineAt(text, named.index), `${named[0]} does not exist`)
  }
}

function checkNpm(file: string, text: string): void {
  for (const named of text.matchAll(NPM)) {
    const [, script = named[3] ?? '', workspace] = named
    const scripts = workspace === undefined ? npmScripts : scriptsOf(`${workspace}/package.json`)
    if (!scripts.has(script)) complain(file, lineAt(text, named.index), `there is no npm script "${script}"`)
  }
}

function checkLink(file: string, line: number, target: string): void {
  if (/^[a-z]+:/.test(target)) return
  const [path = '', heading] = target.split('#')
  const linked = path === '' ? file : normalize(path.startsWith('/') ? path.slice(1) : join(dirname(file), path))
  if (!existsSync(join(repositoryRoot, linked))) return complain(file, line, `${target} does not exist`)
  const own = inLanguageOf(file, linked)
  if (own !== linked && linked !== otherLanguage(file) && existsSync(join(repositoryRoot, own)))
    complain(file, line, `${target}: this page exists in the language of this one, ${own}`)
  if (heading === undefined || heading === '' || !linked.endsWith('.md')) return
  if (!headingsOf(read(linked)).map(anchorOf).includes(decodeURIComponent(heading)))
    complain(file, line, `${target}: there is no such heading`)
}

/** Who reads only one language follows links within it; a page and its translation alone link each other. */
function inLanguageOf(file: string, linked: string): string {
  return isKorean(file) === isKorean(linked) ? linked : otherLanguage(linked)
}

function otherLanguage(file: string): string {
  return isKorean(file) ? file.replace(KOREAN, '.md') : file.replace(/\.md$/, '.ko$&')
}

function isKorean(file: string): boolean {
  return KOREAN.test(file)
}

function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#{1,6} +(.+)$/gm)].map((found) => found[1] ?? '')
}

/** As GitHub makes it: lower case, spaces to dashes, punctuation gone. */
function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}

/** Code in a sentence that means a file or a folder here: it has an extension of ours, or begins with a folder of ours. */
function isPath(code: string): boolean {
  if (!/^[\w.@<>*{},/-]+$/.test(code) || code.startsWith('/') || code.startsWith('@') || code.startsWith('<'))
    return false
  const [first = '', second] = code.split('/')
  if (first === 'node_modules' || first === '.timesale' || SUFFIX.test(code)) return false
  if (FILE_NAME.test(code)) return true
  return second !== undefined && (first === '.' || first === '..' || existsSync(join(repositoryRoot, first)))
}

/** From the document, from the root, or as the end of some path, so that `order.ts` may be said where it is clear. */
function pathExists(file: string, path: string): boolean {
  const placeholder = /[<>*{}]/.test(path)
  if (!placeholder) {
    if (existsSync(join(repositoryRoot, dirname(file), path)) || existsSync(join(repositoryRoot, path))) return true
    return everyFile.some((one) => one.endsWith(`/${path.replace(/^\.\//, '')}`))
  }
  const fromRoot = path.startsWith('.') ? normalize(join(dirname(file), path)) : path
  const pattern = fromRoot
    .split(/(<[^>]+>|\*\*\/|\*|\{[^}]*\})/)
    .map((part, index) => (index % 2 === 0 ? part.replaceAll(/[.]/g, String.raw`\.`) : placeholderPattern(part)))
    .join('')
  const expression = new RegExp(`(^|/)${pattern}${path.endsWith('/') ? '' : '(/|$)'}`)
  return everyFile.some((one) => expression.test(one))
}

function placeholderPattern(part: string): string {
  if (part.startsWith('{')) return `(${part.slice(1, -1).replaceAll(',', '|')})`
  return part === '**/' ? '(.*/)?' : '[^/]+'
}

/** The tables of contracts/README.md against the contracts themselves, both ways. */
function checkCatalogue(file: string): void {
  const text = read(file)
  const rows = tableRows(text)

  for (const { type, topic, source } of EVENTS) {
    const row = rows.find((one) => one[0] === `\`${type}\``)
    if (row === undefined) complain(file, 1, `${type} is missing from the catalogue`)
    else
      for (const what of [topic, source])
        if (!names(row, what)) complain(file, 1, `${type}: the row does not name ${what}`)
  }
  const types = new Set(EVENTS.map(({ type }) => type))
  for (const found of text.matchAll(/^\| `([a-z]+\.[a-z-]+\.v[0-9]+)`/gm)) {
    if (!types.has(found[1] ?? '')) complain(file, lineAt(text, found.index), `there is no event ${found[1]}`)
  }
  for (const [code, { status }] of Object.entries(REFUSALS)) {
    const row = rows.find((one) => one[0] === `\`${code}\``)
    if (row?.[1] !== String(status))
      complain(file, 1, `${code} must be in the table of refusals, with status ${status}`)
  }
  for (const { name, partitions } of topicSpecs({ playground: true })) {
    if (name.endsWith('.dlq')) continue
    const row = rows.find((one) => one[0]?.includes(`\`${name}\``) === true && one[1] === String(partitions))
    if (row === undefined) complain(file, 1, `${name} must be in the table of topics, with ${partitions} partitions`)
  }
}

/** Each is told in both languages, and has its last result. */
function checkExperiments(): number {
  const folders = readdirSync(join(repositoryRoot, 'lab')).filter((name) => EXPERIMENT.test(name))
  if (folders.length === 0) complain('lab/README.md', 1, 'there is no experiment')
  for (const folder of folders.map((name) => `lab/${name}`)) {
    for (const result of ['result.json', 'result.svg', 'result.ko.svg'])
      if (!existsSync(join(repositoryRoot, folder, result))) complain(`${folder}/${result}`, 1, 'does not exist')
    const [english, korean] = ['README.md', 'README.ko.md'].map((readme) => headingsOf(read(`${folder}/${readme}`)))
    if (english?.length !== korean?.length)
      complain(`${folder}/README.ko.md`, 1, `${korean?.length} headings, and README.md has ${english?.length}`)
  }
  return folders.length
}

function names(row: readonly string[], name: string): boolean {
  return row.some((cell) => cell.includes(`\`${name}\``))
}

/** Who uses an event is said by each service's `…_USES`, and must be what the last cell of its row says. */
async function checkConsumers(file: string): Promise<void> {
  const users = new Map<string, string[]>()
  for (const path of repositoryFiles(['consumer.ts'], 'services')) {
    const service = path.split('/')[1] ?? ''
    const exported = (await import(join(repositoryRoot, path))) as Record<string, unknown>
    const uses = Object.entries(exported).find(([name]) => name.endsWith('_USES'))?.[1]
    if (!Array.isArray(uses)) {
      complain(path, 1, 'a consumer must export what it uses, as <NAME>_USES')
      continue
    }
    for (const { type } of uses as { type: string }[]) users.set(type, [...(users.get(type) ?? []), service])
  }
  const rows = tableRows(read(file))
  for (const { type } of EVENTS) {
    const said = (rows.find((one) => one[0] === `\`${type}\``)?.at(-1) ?? '').split(', ').toSorted().join(', ')
    const found = (users.get(type) ?? []).toSorted().join(', ')
    if (said !== found) complain(file, 1, `${type} is used by ${found}, and the catalogue says ${said}`)
  }
}

function tableRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

/** .env.example names every key that a config reads, with or without the service's prefix, and no other. */
async function checkEnvironment(file: string): Promise<number> {
  const text = read(file)
  const named = new Map(
    [...text.matchAll(/^(?:# ?)?([A-Z][A-Z0-9_]+)=/gm)].map((found) => [found[1] ?? '', lineAt(text, found.index)]),
  )
  const readKeys = new Set<string>()
  const services = repositoryFiles(['config.ts'], 'services').map((path) => path.split('/')[1] ?? '')

  for (const service of services) {
    const asked = await keysAsked(service)
    const prefix = `${service.toUpperCase()}_`
    for (const key of asked) readKeys.add(key)
    for (const key of asked.filter((one) => !one.startsWith(prefix))) {
      if (!named.has(key) && !named.has(prefix + key)) complain(file, 1, `${prefix}${key} (or ${key}) is not named`)
    }
  }
  const withDatabase = services.filter((service) => existsSync(join(repositoryRoot, `services/${service}/db`)))
  for (const key of keysInText(withDatabase)) {
    readKeys.add(key)
    if (!named.has(key)) complain(file, 1, `${key} is not named`)
  }
  for (const [key, line] of named) if (!readKeys.has(key)) complain(file, line, `nothing reads ${key}`)
  return readKeys.size
}

/** Asks a service's config with an empty environment that remembers what it was asked for. */
async function keysAsked(service: string): Promise<string[]> {
  const asked = new Set<string>()
  const empty = new Proxy<NodeJS.ProcessEnv>(
    {},
    {
      get(_target, key) {
        asked.add(String(key))
        return undefined
      },
    },
  )
  const { readConfig } = (await import(join(repositoryRoot, `services/${service}/config.ts`))) as {
    readConfig: (env: NodeJS.ProcessEnv) => unknown
  }
  try {
    readConfig(empty)
  } catch {
    // It complains of what is missing, after it has asked for all.
  }
  return [...asked]
}

/** What is read before a config is, or where nothing can be loaded without running it. */
function keysInText(services: readonly string[]): string[] {
  const files = ['packages/process', 'provision', 'local'].flatMap((folder) => repositoryFiles(['.ts'], folder))
  const keys = files
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) => {
      const text = read(file)
      const plain = text.matchAll(/(?:\benv\[|\bgiven\(env, |\bget\.[a-z]+\()'([A-Z][A-Z0-9_]+)'/g)
      const destructured = [...text.matchAll(/\{([^{}]*)\} = process\.env\b/g)].flatMap((found) => [
        ...(found[1] ?? '').matchAll(/\b([A-Z][A-Z0-9_]+)\b/g),
      ])
      const perService = [...text.matchAll(/\$\{service\.toUpperCase\(\)\}(_[A-Z_]+)/g)].flatMap((found) =>
        services.map((service) => service.toUpperCase() + (found[1] ?? '')),
      )
      return [...[...plain, ...destructured].map((found) => found[1] ?? ''), ...perService]
    })
  return [...new Set(keys)].filter((key) => key !== 'PATH')
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ')
}

function complain(file: string, line: number, what: string): void {
  problems.push(`${file}:${line} ${what}`)
}

function read(file: string): string {
  const path = join(repositoryRoot, file)
  if (existsSync(path)) return readFileSync(path, 'utf8')
  complain(file, 1, 'does not exist')
  return ''
}

function scriptsOf(manifest: string): Set<string> {
  if (!existsSync(join(repositoryRoot, manifest))) return new Set()
  const { scripts } = JSON.parse(read(manifest)) as { scripts?: Record<string, string> }
  return new Set(Object.keys(scripts ?? {}))
}
