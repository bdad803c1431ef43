-- How administrators sign in at the console beside their access keys: by a code mailed to an address of theirs, or by
-- passkey.

create table administrator_emails (
  user_id     text    primary key references iam_users (id) on delete cascade,
  email_key   text    not null unique,        -- canonical form; one administrator's
  email       text    not null,               -- as it was spelled
  created_ms  bigint  not null                -- sessions that a code opened before end
);

create table administrator_passkeys (
  id          bytea   primary key,            -- the credential's id
  user_id     text    not null references iam_users (id) on delete cascade,
  rp_id       text    not null,               -- the console's host when it was made
  public_key  bytea   not null,               -- COSE_Key
  sign_count  bigint  not null,
  facts       text    not null,               -- JSON, as of users' passkeys
  created_ms  bigint  not null,
  used_ms     bigint
);
create index administrator_passkeys_of_user on administrator_passkeys (user_id);

-- A session ends with what opened it, which need not be a key any more. Those of before are ended.
drop table console_sessions;
create table console_sessions (
  handle_mac  bytea   primary key,
  user_id     text    not null,               -- the administrator
  opened_by   text    not null,               -- the key, the code or the passkey that did
  seen_ms     bigint  not null,
  created_ms  bigint  not null,
  expires_ms  bigint  not null
);
create index console_sessions_by_expiry on console_sessions (expires_ms);
