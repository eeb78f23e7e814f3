import { randomUUIDv7 } from 'node:crypto'
import { SignUp, SignUpAnswer } from '@timesale/contracts/account-api'
import { Problem } from '@timesale/contracts/problem'
import type { HttpServer } from '@timesale/http/server'
import type { Database } from '@timesale/postgres/database'
import { checkEmail, checkPassword } from '../account.ts'
import { signUp } from '../db/accounts.ts'
import type { PasswordHasher } from '../password-hasher.ts'

// POST /sign-up. Whether an address has an account is nobody's business: the same answer after the same work. It may be
// sent again, since an address has one account; it takes no Idempotency-Key.
export function signUpRoute(app: HttpServer, { db, hasher }: { db: Database; hasher: PasswordHasher }): void {
  app.post(
    '/sign-up',
    {
      schema: {
        summary: 'Become a buyer; answers the same where the address has an account',
        tags: ['accounts'],
        body: SignUp,
        response: { 202: SignUpAnswer, default: Problem },
      },
    },
    async (request, reply) => {
      const email = checkEmail(request.body.email)
      const passwordHash = await hasher.hash(checkPassword(request.body.password))
      const name = request.body.name.normalize('NFC')
      await signUp(db.write, { accountId: randomUUIDv7(), email, name, passwordHash, roles: ['buyer'] })
      return reply.code(202).send({ status: 'accepted' })
    },
  )
}
