import { randomUUID } from 'node:crypto'
import Type from 'typebox'
import {
  AccessTokenAnswer,
  ApiKeyList,
  ApiKeyParams,
  CreateApiKey,
  CreatedApiKey,
  GetToken,
} from '@timesale/contracts/account-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { callerOf, requirePerson } from '@timesale/identity/principal'
import type { Database } from '@timesale/postgres/database'
import { checkOwnRoles, inOrder } from '../account.ts'
import { lockAccount } from '../db/accounts.ts'
import { countApiKeys, deleteApiKey, grantByKey, insertApiKey, listApiKeys, type NewApiKey } from '../db/api-keys.ts'
import type { Revocations } from '../redis/revocations.ts'
import { hashSecret, makeApiKey } from '../secret.ts'
import type { SigningKeys } from '../tokens/signing-keys.ts'
import { tokenAnswer } from '../tokens/token-answer.ts'

const API_KEYS_MAX = 100

interface ApiKeyParts {
  readonly db: Database
  readonly keys: SigningKeys
  readonly revocations: Revocations
}

// For machines: POST /api-keys, GET /api-keys, DELETE /api-keys/:keyId, and POST /tokens, which gives a token for a key.
// A key makes and deletes no keys: whoever found one would have others when it is deleted.
export function apiKeyRoutes(app: HttpServer, parts: ApiKeyParts): void {
  createRoute(app, parts)
  listRoute(app, parts)
  deleteRoute(app, parts)
  tokenRoute(app, parts)
}

// The key's id is the key of the request. Asked for again it is refused, since only the first answer has the secret:
// whoever did not get that answer deletes the key and makes another.
function createRoute(app: HttpServer, { db }: ApiKeyParts): void {
  app.post(
    '/api-keys',
    {
      schema: {
        summary: 'An API key with roles of one’s own; its secret is told this once',
        tags: ['api keys'],
        body: CreateApiKey,
        response: { 201: CreatedApiKey, default: Problem },
      },
    },
    async (request, reply) => {
      const { principal } = request
      requirePerson(principal)
      const { keyId, name } = request.body
      const accountId = callerOf(principal)
      const roles = inOrder(request.body.roles)
      // By the token and not by the account, which may have got a role since.
      if (principal.kind === 'account') checkOwnRoles(roles, principal.roles)
      const apiKey = makeApiKey()
      const created = await create(db, {
        accountId,
        keyId,
        keyHash: hashSecret(apiKey),
        name: name.normalize('NFC'),
        roles,
        sid: randomUUID(),
      })
      return reply.code(201).send({ ...created, apiKey })
    },
  )
}

async function create(db: Database, key: NewApiKey) {
  return await db.tx(async (tx) => {
    if ((await lockAccount(tx, key.accountId)) === undefined) throw new Refusal('account-not-found')
    const count = await countApiKeys(tx, key.accountId)
    const created = await insertApiKey(tx, key)
    if (created === undefined) throw new Refusal('api-key-exists', { keyId: key.keyId })
    if (count >= API_KEYS_MAX) throw new Refusal('too-many-api-keys')
    return created
  })
}

function listRoute(app: HttpServer, { db }: ApiKeyParts): void {
  app.get(
    '/api-keys',
    {
      schema: {
        summary: 'One’s API keys, without their secrets',
        tags: ['api keys'],
        response: { 200: ApiKeyList, default: Problem },
      },
    },
    async (request) => {
      requirePerson(request.principal)
      return { apiKeys: await listApiKeys(db.sql, callerOf(request.principal)) }
    },
  )
}

function deleteRoute(app: HttpServer, { db, revocations }: ApiKeyParts): void {
  app.delete(
    '/api-keys/:keyId',
    {
      schema: {
        summary: 'Delete an API key of one’s own; its tokens are refused from then on',
        tags: ['api keys'],
        params: ApiKeyParams,
        response: { 204: Type.Null({ description: 'No body' }), default: Problem },
      },
    },
    async (request, reply) => {
      requirePerson(request.principal)
      const { keyId } = request.params
      const ended = await deleteApiKey(db.write, { accountId: callerOf(request.principal), keyId })
      if (ended.length === 0) throw new Refusal('api-key-not-found', { keyId })
      await revocations.tell(ended)
      return reply.code(204).send(null)
    },
  )
}

function tokenRoute(app: HttpServer, { db, keys }: ApiKeyParts): void {
  app.post(
    '/tokens',
    {
      schema: {
        summary: 'An access token for an API key',
        tags: ['api keys'],
        body: GetToken,
        response: { 200: AccessTokenAnswer, default: Problem },
      },
    },
    async (request) => {
      const grant = await db.tx((tx) => grantByKey(tx, hashSecret(request.body.apiKey)))
      if (grant === undefined) throw new Refusal('wrong-credentials')
      return await tokenAnswer(keys, grant)
    },
  )
}
