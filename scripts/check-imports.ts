import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { BANNED_NAMES, lineAt, report, repositoryFiles, repositoryRoot } from './repository-files.ts'

// Who may import whom. A rule looks at files (`in`, without `except`) and at what they import: a path from the root for
// anything of ours, the bare name for anything else. `$1` stands for what the first group of `in` matched.

interface ImportRule {
  readonly in: RegExp
  readonly except?: RegExp
  readonly not: string
  readonly why: string
}

const TEST_FILE = /(\.test\.ts|\.e2e\.ts|\.faults\.ts)$/

const IMPORT_RULES: readonly ImportRule[] = [
  {
    in: /^contracts\//,
    // Its samples are fed to every consumer.
    except: TEST_FILE,
    not: '^(packages|services|provision|local|verify|sale|bench|lab|e2e|faults|scripts)/',
    why: 'contracts/ imports nothing of ours, so that everybody may import it',
  },
  {
    in: /^packages\//,
    except: /^packages\/testkit\//,
    not: '^(services|provision|local|verify|sale|bench|lab|e2e|faults|scripts)/',
    why: 'a package is used by services and must not know them',
  },
  {
    in: /^packages\/testkit\//,
    not: '^(services|verify|sale|bench|lab|e2e|faults|scripts)/',
    why: 'the test kit starts real parts, but knows no service',
  },
  {
    in: /^(contracts|packages|services|provision|local)\//,
    except: /(\.test\.ts$|^packages\/testkit\/)/,
    not: '^packages/testkit/',
    why: 'what runs in production must not need the test kit',
  },
  {
    in: /^services\/([^/]+)\//,
    not: '^services/(?!$1/)',
    why: 'services speak through topics and HTTP; one that imports another cannot be deployed alone',
  },
  {
    in: /^services\//,
    except: TEST_FILE,
    not: '^(provision|local|verify|sale|bench|lab|e2e|faults|scripts)/',
    why: 'a service runs without what set it up',
  },
  {
    in: /^services\//,
    except: TEST_FILE,
    not: '^@platformatic/kafka',
    why: 'reading and writing topics has rules that packages/kafka keeps once for all',
  },
  { in: /^services\//, except: TEST_FILE, not: '^(pg|redis|fastify)$', why: 'a driver is behind a package' },
  {
    in: /^services\/([^/]+)\/(?!main|app|config|metrics)[a-z-]+\.ts$/,
    except: TEST_FILE,
    // Two look like packages and are pure: what an event is, and how a type is told from another.
    not: '^(services/$1/(db|http|events|jobs|redis|accept)/|packages/(?!kafka/decode\\.ts)|node:(?!crypto))',
    why: 'a rule named after its noun is pure: what it needs comes in as arguments',
  },
  {
    in: /^services\/([^/]+)\/db\//,
    except: TEST_FILE,
    not: '^(services/$1/(http|events|jobs|redis|accept|app|main)|packages/(?!postgres/))',
    why: 'db/ writes tables and knows nothing of HTTP, Kafka or Redis',
  },
  {
    in: /^services\/([^/]+)\/(http|events|jobs)\//,
    except: TEST_FILE,
    not: '^services/$1/(http|events|jobs)/',
    why: 'entry points do not import each other; what two of them need has a noun of its own',
  },
  {
    in: /^(provision|local)\//,
    except: TEST_FILE,
    not: '^(services|verify|sale|bench|lab|e2e|faults)/',
    why: 'services are set up and run as processes, never loaded; what looks at the shop from outside is no part of it',
  },
  {
    in: /^(verify|sale)\//,
    not: '^(services|packages/kafka|packages/postgres)/',
    why: 'a checker that shares code with what it checks shares its bugs',
  },
  {
    in: /^console\//,
    except: TEST_FILE,
    not: '^(packages|services|provision|local|verify|sale|bench|lab|e2e|faults|scripts)/|^node:',
    why: 'the console runs in browsers, and knows of the shop what contracts/ says',
  },
  {
    in: /^(contracts|packages|services|provision|local|verify|sale|bench|lab|faults)\//,
    not: '^console/',
    why: 'the console is a client like any other',
  },
  { in: /./, not: '(^|/)index\\.ts$', why: 'an import names the file that it means' },
]

interface TextRule {
  readonly in: RegExp
  readonly except?: RegExp
  readonly text: RegExp
  readonly why: string
}

const TEXT_RULES: readonly TextRule[] = [
  {
    in: /\.ts$/,
    // The lab shows what the defaults do.
    except: /^(packages\/(kafka|testkit)|lab)\//,
    text: /\bnew (Consumer|Producer)\b/g,
    why: "the client's defaults lose or reorder records; packages/kafka has the ones that do not",
  },
  {
    in: /^services\//,
    except: /(\/main\.ts|\.test\.ts)$/,
    text: /\bprocess\.env\b/g,
    why: 'the environment is read once, by config.ts, from main.ts',
  },
]

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b(?:[^'"`;]*?\bfrom\b)?\s*(['"])([^'"\n]+)\1|\bimport\(\s*(['"])([^'"\n]+)\3/g

const files = repositoryFiles(['.ts', '.tsx', '.mjs'])
const problems: string[] = []
let importCount = 0

for (const file of files) {
  const banned = file.split('/').find((segment) => BANNED_NAMES.test(segment))
  if (banned !== undefined) problems.push(`${file}:1 ${banned}: a name that says nothing; name it after its noun`)

  const text = readFileSync(join(repositoryRoot, file), 'utf8')
  // This file's own table speaks of what it forbids.
  const textRules = file === 'scripts/check-imports.ts' ? [] : TEXT_RULES
  for (const rule of textRules.filter((one) => one.in.test(file) && one.except?.test(file) !== true)) {
    for (const found of text.matchAll(rule.text)) {
      problems.push(`${file}:${lineAt(text, found.index)} ${found[0]}: ${rule.why}`)
    }
  }
  for (const found of text.matchAll(IMPORT)) {
    importCount += 1
    const specifier = found[2] ?? found[4] ?? ''
    const line = lineAt(text, found.index + found[0].length)
    const target = resolveImport(file, specifier)
    if (target === undefined) problems.push(`${file}:${line} ${specifier} does not exist`)
    else problems.push(...broken(file, target).map((why) => `${file}:${line} imports ${specifier}: ${why}`))
  }
}

if (files.length === 0 || importCount === 0) problems.push('scripts/check-imports.ts:1 nothing was found to look at')
report(problems, `${files.length} files, ${importCount} imports`)

function broken(file: string, target: string): string[] {
  return IMPORT_RULES.flatMap((rule) => {
    const place = rule.in.exec(file)
    if (place === null || rule.except?.test(file) === true) return []
    return new RegExp(rule.not.replaceAll('$1', place[1] ?? '')).test(target) ? [rule.why] : []
  })
}

/** The path from the root, or the bare name of what is not ours; undefined where there is no such file of ours. */
function resolveImport(file: string, specifier: string): string | undefined {
  const own = /^@timesale\/([a-z0-9]+)(?:-service)?(?:\/(.+))?$/.exec(specifier)
  if (!specifier.startsWith('.') && own === null) return specifier
  if (own === null) return existing(join(dirname(file), specifier))
  const [, workspace = '', name = ''] = own
  const folder = [workspace, `packages/${workspace}`, `services/${workspace}`].find((path) =>
    existsSync(join(repositoryRoot, path, 'package.json')),
  )
  if (folder === undefined) return undefined
  return existing(basename(name) === 'package.json' ? `${folder}/${name}` : `${folder}/${name}.ts`)
}

function existing(path: string): string | undefined {
  return existsSync(join(repositoryRoot, path)) ? path : undefined
}
