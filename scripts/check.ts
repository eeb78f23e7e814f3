import { spawnSync } from 'node:child_process'

// npm run check: everything that can be said of the code without running it. All of it is run, then the verdict.

const CHECKS = [
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
  { name: 'types of the console', command: ['tsc', '-p', 'console/tsconfig.json'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--tsconfig', 'tsconfig.json', '--deny-warnings'] },
  { name: 'format', command: ['oxfmt', '--check'] },
  { name: 'imports', command: [process.execPath, 'scripts/check-imports.ts'] },
  { name: 'unused code', command: ['knip'] },
  { name: 'docs', command: [process.execPath, 'scripts/check-docs.ts'] },
] as const

const failed: string[] = []
for (const { name, command } of CHECKS) {
  const began = performance.now()
  const [file, ...args] = command
  // npm puts node_modules/.bin into the PATH, so the tools are those of the lock file.
  const { status, error } = spawnSync(file, args, { stdio: 'inherit' })
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  if (status === 0) {
    console.log(`ok      ${name} (${seconds} s)`)
  } else {
    console.log(`FAILED  ${name} (${seconds} s)${error === undefined ? '' : `: ${error.message}`}`)
    failed.push(name)
  }
}
if (failed.length > 0) {
  console.error(`\nFailed: ${failed.join(', ')}`)
  process.exit(1)
}
