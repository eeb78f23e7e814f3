import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { findDataFolder } from '../shop/data-folder.ts'
import { makeSecrets } from '../shop/secrets.ts'
import { describeShop } from '../shop/shop.ts'
import { banner } from './banner.ts'

test('the usual shop is tried without naming a folder, straight at its services', async () => {
  const text = await bannerOf({ path: '/somewhere', isUsual: true, needsToken: false })

  assert.match(text, /^ {2}curl -X POST http:\/\/localhost:8081\/orders /m)
  assert.match(text, /^ {2}npm run status$/m)
  const first = text.split('\n').find((line) => line.includes('http://'))
  assert.match(first ?? '', /^ {2}Console +http:\/\/localhost:8080\/$/)
  assert.match(text, /^ {2}npm run kafka /m)
  assert.match(text, /^ {2}Configuration http:\/\/localhost:8888 .*\/somewhere\/secrets\.json/m)
  assert.doesNotMatch(text, /--data|TIMESALE_DATA|TOKEN/)
})

test('commands for a shop elsewhere say where, as one word', async () => {
  const text = await bannerOf({ path: "/it's here", isUsual: false, needsToken: false })

  const where = String.raw`'/it'\''s here'`
  for (const command of [
    `npm run status -- --data ${where}\n`,
    `npm run part -- kill stock --data ${where} `,
    `npm run part -- start stock --data ${where}\n`,
    `TIMESALE_DATA=${where} npm run kafka -- `,
  ]) {
    assert.ok(text.includes(command), `${command}\n${text}`)
  }
})

test('where nobody gets in without a token, what is to be tried goes by the gateway', async () => {
  const text = await bannerOf({ path: '/somewhere', isUsual: true, needsToken: true })

  const tried = text.slice(text.indexOf('Try:')).split('\n')
  const curls = tried.filter((line) => line.includes('curl'))
  assert.equal(curls.length, 4)
  for (const line of curls) assert.match(line, /curl .*http:\/\/localhost:8080\/api\//)
  assert.match(curls[0] ?? '', /^ {2}TOKEN=\$\(curl .*\/account\/log-in .* \| sed -E 's\/.*\/\\1\/'\)$/)
  assert.equal(curls.filter((line) => line.includes('-H "authorization: Bearer $TOKEN"')).length, 2)
})

async function bannerOf(asked: { path: string; isUsual: boolean; needsToken: boolean }): Promise<string> {
  const folder = await findDataFolder(asked.path)
  const shop = describeShop({ settings: { portOffset: 0 }, folder, secrets: makeSecrets(), env: {} })
  return stripVTControlCharacters(banner(shop, { seconds: '1.0', folder, ...asked }))
}
