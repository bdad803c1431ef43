-- User pools and what stands in them. Configuration that is only given back whole is one JSON text;
-- columns are what we search, join or decide by. Times are milliseconds since the epoch, UTC.

-- Facts about this installation: account id, first start.
create table settings (
  name   text  primary key,
  value  text  not null
);

create table user_pools (
  id               text    primary key,
  version          bigint  not null,          -- drawn anew at each write
  name             text    not null,
  config           text    not null,          -- UserPoolType as the API gives it back
  mfa_config       text    not null,          -- the blocks of GetUserPoolMfaConfig
  uses_email_role  bigint  not null default 0,-- sends through the service-linked role
  users_count      bigint  not null default 0,
  created_ms       bigint  not null,
  modified_ms      bigint  not null
);

create table app_clients (
  id           text    primary key,
  pool_id      text    not null references user_pools (id) on delete cascade,
  version      bigint  not null,
  name         text    not null,
  config       text    not null,              -- UserPoolClientType without its secret
  secret       bytea,                         -- sealed
  created_ms   bigint  not null,
  modified_ms  bigint  not null
);
create index app_clients_of_pool on app_clients (pool_id, id);

create table domains (
  name        text    primary key,
  pool_id     text    not null references user_pools (id) on delete cascade,
  custom      bigint  not null,
  config      text    not null,
  created_ms  bigint  not null
);
create index domains_of_pool on domains (pool_id);

-- Two keys a pool: one signs ID tokens, the other access tokens.
create table signing_keys (
  pool_id      text    not null references user_pools (id) on delete cascade,
  id           text    not null,
  token_use    text    not null,
  private_key  bytea   not null,              -- PKCS#8, sealed
  public_key   bytea   not null,              -- RSAPublicKey, DER
  created_ms   bigint  not null,
  primary key (pool_id, id)
);

create table users (
  pool_id              text    not null references user_pools (id) on delete cascade,
  id                   text    not null,      -- the `sub`
  username             text    not null,
  status               text    not null,
  enabled              bigint  not null,
  attributes           text    not null,      -- JSON object: name to text
  email_key            text,
  phone_key            text,
  password             text,                  -- Argon2id, PHC format
  password_expires_ms  bigint,                -- of a temporary password
  signed_out_ms        bigint  not null default 0, -- tokens of sign-ins up to then are revoked
  created_ms           bigint  not null,
  modified_ms          bigint  not null,
  primary key (pool_id, id)
);
create index users_by_name on users (pool_id, username);
create index users_by_email on users (pool_id, email_key);

-- What a person may type to be found: one row a name, so that no two users share one.
create table user_names (
  pool_id   text  not null references user_pools (id) on delete cascade,
  name_key  text  not null,                   -- canonical form
  kind      text  not null,                   -- username | email | phone_number | preferred_username
  user_id   text  not null,
  primary key (pool_id, name_key)
); -- by key
create index user_names_of_user on user_names (pool_id, user_id);

-- A question we asked and whose answer we await. The handle is with the client; we keep its keyed hash.
create table challenges (
  handle_mac     bytea   primary key,
  pool_id        text    not null,
  client_id      text    not null,
  user_id        text,                        -- null: stands for an account that does not exist
  name_key       text    not null,            -- what was typed, canonical
  kind           text    not null,
  code_mac       bytea,                       -- null: no code will do
  code_mac_old   bytea,                       -- the code before it, in the same flow
  old_expires_ms bigint  not null default 0,
  destination    text,
  attempts       bigint  not null,
  attempts_max   bigint  not null,
  sends          bigint  not null,
  sent_ms        bigint  not null,
  spent          bigint  not null,
  facts          text    not null,            -- JSON: what the next step needs
  created_ms     bigint  not null,
  expires_ms     bigint  not null
); -- by key
create index challenges_by_expiry on challenges (expires_ms);

-- Codes for sign-up, verification and reset: found by who they are for, not by a handle.
create table user_codes (
  pool_id       text    not null,
  subject       text    not null,             -- user id, or a stand-in's
  purpose       text    not null,
  code_mac      bytea,
  code_mac_old  bytea,                        -- the code before it: asking again voids nobody's code
  destination   text    not null,
  attempts      bigint  not null,
  attempts_max  bigint  not null,
  facts         text    not null,
  created_ms    bigint  not null,
  expires_ms    bigint  not null,
  primary key (pool_id, subject, purpose)
);
create index user_codes_by_expiry on user_codes (expires_ms);

-- One row a sign-in: the family of tokens that share an origin_jti.
create table sign_ins (
  id            bytea   primary key,          -- origin_jti, 16 bytes
  pool_id       text    not null,
  client_id     text    not null,
  user_id       text    not null,
  refresh_mac   bytea   not null,
  previous      bytea,                        -- hashes of the newest tokens rotated away, each with its time
  revoked       bigint  not null default 0,
  facts         text    not null,             -- JSON: auth_time, scope, amr
  created_ms    bigint  not null,
  expires_ms    bigint  not null
); -- by key
create index sign_ins_by_expiry on sign_ins (expires_ms);

-- A few exact events per key: sends to an address, wrong guesses at an account.
create table ledgers (
  pool_id     text    not null,
  topic       text    not null,
  subject     bytea   not null,
  entries     bytea   not null,
  expires_ms  bigint  not null,
  primary key (pool_id, topic, subject)
); -- by key
create index ledgers_by_expiry on ledgers (expires_ms);

-- Many events per key, counted by fixed windows.
create table counters (
  topic       text    not null,
  subject     text    not null,
  window_ms   bigint  not null,               -- when the window began
  count       bigint  not null,
  expires_ms  bigint  not null,
  primary key (topic, subject, window_ms)
); -- by key
create index counters_by_expiry on counters (expires_ms);

-- A person's way through the pages, from the app's request to its answer.
create table login_flows (
  id          text    primary key,
  browser     bytea   not null,               -- keyed hash of the browser's cookie
  pool_id     text    not null,
  client_id   text    not null,
  state       text    not null,               -- JSON, sealed parts inside
  version     bigint  not null,
  created_ms  bigint  not null,
  expires_ms  bigint  not null
);
create index login_flows_by_expiry on login_flows (expires_ms);

create table authorization_codes (
  code_mac    bytea   primary key,
  pool_id     text    not null,
  client_id   text    not null,
  facts       text    not null,
  spent       bigint  not null default 0,
  sign_in_id  bytea,                          -- what was made of it, revoked when the code comes back
  expires_ms  bigint  not null
);
create index authorization_codes_by_expiry on authorization_codes (expires_ms);

-- A signed-in browser at a pool's pages.
create table browser_sessions (
  handle_mac  bytea   primary key,
  pool_id     text    not null,
  user_id     text    not null,
  facts       text    not null,
  auth_ms     bigint  not null,
  expires_ms  bigint  not null
);
create index browser_sessions_by_expiry on browser_sessions (expires_ms);

-- Who did what, to what, from where, and how it ended. Rows are only added; links chain them.
create table audit (
  id          bytea   primary key,            -- time and chance, so in order of time
  time_ms     bigint  not null,
  request_id  text    not null,
  who         text    not null,
  action      text    not null,
  resource    text    not null,
  source      text    not null,
  outcome     text    not null,
  detail      text    not null,
  link        bigint
); -- by key
create index audit_by_link on audit (link);

create table audit_links (
  link     bigint  primary key,
  records  bigint  not null,
  hash     bytea   not null                   -- over the hash before it and the link's records
);
