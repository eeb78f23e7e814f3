import { enableCompileCache } from 'node:module'
import { compiledCode } from '../shop/compiled-code.ts'

// Before the rest is loaded, which is therefore not imported above: the supervisor is up sooner, and smaller for as long as it runs.
enableCompileCache(compiledCode)
await import('./run-shop.ts')
