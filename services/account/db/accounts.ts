import type { Role } from '@timesale/contracts/roles'
import type { Sql, Tx } from '@timesale/postgres/sql'
import type { Account } from '../account.ts'

interface Row {
  account_id: string
  email: string
  name: string
  roles: Role[]
  created_at: Date
  seller_was_taken: boolean
}

interface NewAccount {
  readonly accountId: string
  readonly email: string
  readonly name: string
  readonly passwordHash: string
  readonly roles: readonly Role[]
}

export async function findAccount(sql: Sql, accountId: string): Promise<Account | undefined> {
  const [row] = await sql<Row>`
    select account_id, email, name, roles, created_at, seller_was_taken from accounts where account_id = ${accountId}`
  return row === undefined ? undefined : toAccount(row)
}

export async function findAccountsByEmail(sql: Sql, email: string): Promise<Account[]> {
  const rows = await sql<Row>`
    select account_id, email, name, roles, created_at, seller_was_taken from accounts where email = ${email}`
  return rows.map(toAccount)
}

export async function findCredentials(
  sql: Sql,
  email: string,
): Promise<{ accountId: string; passwordHash: string } | undefined> {
  const [row] = await sql<{ account_id: string; password_hash: string }>`
    select account_id, password_hash from accounts where email = ${email}`
  return row === undefined ? undefined : { accountId: row.account_id, passwordHash: row.password_hash }
}

/**
 * An account, or nothing where the address is taken. Both write to the disk: the row that is there is locked, or the
 * missing flush would tell that it is there.
 */
export async function signUp(write: Sql, account: NewAccount): Promise<void> {
  await write`
    insert into accounts (account_id, email, name, password_hash, roles)
    values (${account.accountId}, ${account.email}, ${account.name}, ${account.passwordHash}, ${account.roles})
    on conflict (email) do update set email = excluded.email where false`
}

/** False where the id or the address is taken. */
export async function insertAccount(write: Sql, account: NewAccount): Promise<boolean> {
  const rows = await write`
    insert into accounts (account_id, email, name, password_hash, roles)
    values (${account.accountId}, ${account.email}, ${account.name}, ${account.passwordHash}, ${account.roles})
    on conflict do nothing
    returning 1`
  return rows.length === 1
}

export async function lockAccount(tx: Tx, accountId: string): Promise<Account | undefined> {
  const [row] = await tx<Row>`
    select account_id, email, name, roles, created_at, seller_was_taken from accounts where account_id = ${accountId} for update`
  return row === undefined ? undefined : toAccount(row)
}

/** And whether the role of a seller was among those that are gone now. */
export async function saveRoles(tx: Tx, accountId: string, roles: readonly Role[]): Promise<void> {
  await tx`
    update accounts
    set roles = ${roles},
      seller_was_taken = (seller_was_taken or 'seller' = any(roles)) and not ${roles.includes('seller')}::boolean
    where account_id = ${accountId}`
}

function toAccount(row: Row): Account {
  return {
    accountId: row.account_id,
    email: row.email,
    name: row.name,
    roles: row.roles,
    createdAt: row.created_at.toISOString(),
    sellerWasTaken: row.seller_was_taken,
  }
}
