-- Up Migration
-- Who is who. Nothing here can be used by whoever reads it: passwords are argon2id hashes, refresh tokens and API keys
-- SHA-256 of 256 random bits, private keys are encrypted under a secret that is not in the database.
create table accounts (
  account_id text primary key,
  -- Normalised (account.ts), so that one address has one account however it is written.
  email text not null unique,
  name text not null,
  password_hash text not null,
  roles text[] not null,
  created_at timestamptz not null default now()
);

create table sessions (
  session_id text primary key,
  account_id text not null references accounts,
  -- What the session is called in its access tokens. Another one from the moment a role is taken away, so that tokens
  -- which carry that role can be refused and the session goes on.
  sid text not null unique,
  started_at timestamptz not null default now(),
  refreshed_at timestamptz not null default now(),
  ends_at timestamptz not null
);
create index sessions_account on sessions (account_id, started_at);
create index sessions_end on sessions (ends_at);

-- All that a session was given, the used ones too: one that comes a second time was stolen from somebody.
create table refresh_tokens (
  token_hash bytea primary key,
  session_id text not null references sessions on delete cascade,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index refresh_tokens_session on refresh_tokens (session_id);
create index refresh_tokens_expiry on refresh_tokens (expires_at);

create table api_keys (
  account_id text not null references accounts,
  key_id text not null,
  key_hash bytea not null unique,
  name text not null,
  roles text[] not null,
  -- As in sessions. Not the key's id, which its owner chooses, and another account may have chosen before.
  sid text not null unique,
  created_at timestamptz not null default now(),
  primary key (account_id, key_id)
);

-- What ended while access tokens of it may still be good. Redis has a copy, for the gateway.
create table revoked_sessions (
  sid text primary key,
  until timestamptz not null
);
create index revoked_sessions_until on revoked_sessions (until);

create table signing_keys (
  kid text primary key,
  public_jwk jsonb not null,
  private_jwk_sealed bytea not null,
  created_at timestamptz not null default now(),
  -- It signs nothing any more, and verifies what it has signed.
  retired_at timestamptz
);
create index signing_keys_created on signing_keys (created_at);

-- Down Migration
drop table signing_keys;
drop table revoked_sessions;
drop table api_keys;
drop table refresh_tokens;
drop table sessions;
drop table accounts;
