import { AccountView } from '@timesale/contracts/account-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { callerOf, requirePerson } from '@timesale/identity/principal'
import type { Database } from '@timesale/postgres/database'
import { becomeSeller, viewOf, type Account } from '../account.ts'
import { findAccount, lockAccount, saveRoles } from '../db/accounts.ts'

// GET /me; POST /me/seller, by which every buyer may begin to sell, since what somebody sells is of their own shops alone.
export function meRoutes(app: HttpServer, { db }: { db: Database }): void {
  app.get(
    '/me',
    {
      schema: {
        summary: 'Who is logged in',
        tags: ['accounts'],
        response: { 200: AccountView, default: Problem },
      },
    },
    async (request) => viewOf(known(await findAccount(db.sql, callerOf(request.principal)))),
  )
  app.post(
    '/me/seller',
    {
      schema: {
        summary: 'Become a seller too, unless an operator took that role away; tokens say so from the next refresh on',
        tags: ['accounts'],
        response: { 200: AccountView, default: Problem },
      },
    },
    async (request) => {
      requirePerson(request.principal)
      const accountId = callerOf(request.principal)
      return await db.tx(async (tx) => {
        const account = known(await lockAccount(tx, accountId))
        const roles = becomeSeller(account)
        await saveRoles(tx, accountId, roles)
        return viewOf({ ...account, roles })
      })
    },
  )
}

function known(account: Account | undefined): Account {
  if (account === undefined) throw new Refusal('account-not-found')
  return account
}
