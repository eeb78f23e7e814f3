import {
  AccountParams,
  AccountView,
  FindAccountsQuery,
  FoundAccounts,
  PutAccount,
  PutRoles,
} from '@timesale/contracts/account-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { requirePerson, requireRole } from '@timesale/identity/principal'
import type { Database } from '@timesale/postgres/database'
import { checkAccountId, checkEmail, checkPassword, inOrder, takesAway, viewOf } from '../account.ts'
import { findAccount, findAccountsByEmail, insertAccount, lockAccount, saveRoles } from '../db/accounts.ts'
import { renameSessions } from '../db/sessions.ts'
import type { PasswordHasher } from '../password-hasher.ts'
import type { Revocations } from '../redis/revocations.ts'

interface AccountParts {
  readonly db: Database
  readonly hasher: PasswordHasher
  readonly revocations: Revocations
}

// For operators: GET /accounts?email=, PUT /accounts/:accountId, PUT /accounts/:accountId/roles.
export function accountRoutes(app: HttpServer, parts: AccountParts): void {
  findRoute(app, parts)
  putRoute(app, parts)
  putRolesRoute(app, parts)
}

function findRoute(app: HttpServer, { db }: AccountParts): void {
  app.get(
    '/accounts',
    {
      schema: {
        summary: 'The account of an address (operators)',
        tags: ['operators'],
        querystring: FindAccountsQuery,
        response: { 200: FoundAccounts, default: Problem },
      },
    },
    async (request) => {
      requireRole(request.principal, 'operator')
      const found = await findAccountsByEmail(db.sql, checkEmail(request.query.email))
      return { accounts: found.map(viewOf) }
    },
  )
}

function putRoute(app: HttpServer, { db, hasher }: AccountParts): void {
  app.put(
    '/accounts/:accountId',
    {
      schema: {
        summary: 'An account with an id of one’s choice (operators); one that is there stays as it is',
        tags: ['operators'],
        params: AccountParams,
        body: PutAccount,
        response: { 200: AccountView, 201: AccountView, default: Problem },
      },
    },
    async (request, reply) => {
      requireRole(request.principal, 'operator')
      requirePerson(request.principal)
      const { accountId } = request.params
      checkAccountId(accountId)
      const email = checkEmail(request.body.email)
      const passwordHash = await hasher.hash(checkPassword(request.body.password))
      const account = { accountId, email, name: request.body.name.normalize('NFC'), roles: inOrder(request.body.roles) }
      const made = await insertAccount(db.write, { ...account, passwordHash })
      const there = await findAccount(db.sql, accountId)
      if (there?.email !== email) throw new Refusal('account-exists', { accountId })
      return reply.code(made ? 201 : 200).send(viewOf(there))
    },
  )
}

function putRolesRoute(app: HttpServer, { db, revocations }: AccountParts): void {
  app.put(
    '/accounts/:accountId/roles',
    {
      schema: {
        summary: 'What an account may be (operators); tokens that say more than that are refused from then on',
        tags: ['operators'],
        params: AccountParams,
        body: PutRoles,
        response: { 200: AccountView, default: Problem },
      },
    },
    async (request) => {
      requireRole(request.principal, 'operator')
      requirePerson(request.principal)
      const { accountId } = request.params
      const roles = inOrder(request.body.roles)
      const { account, revoked } = await db.tx(async (tx) => {
        const before = await lockAccount(tx, accountId)
        if (before === undefined) throw new Refusal('account-not-found', { accountId })
        await saveRoles(tx, accountId, roles)
        // A role more harms nobody: the next refresh brings it.
        return {
          account: { ...before, roles },
          revoked: takesAway(before.roles, roles) ? await renameSessions(tx, accountId) : [],
        }
      })
      await revocations.tell(revoked)
      return viewOf(account)
    },
  )
}
