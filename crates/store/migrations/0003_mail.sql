-- SES: identities, the account, the outbox, the local inbox.

create table email_identities (
  name              text    primary key,      -- an address as spelled, domain in lower-case A-labels; or a domain
  kind              text    not null,         -- EMAIL_ADDRESS | DOMAIN
  status            text    not null,         -- PENDING | SUCCESS | FAILED | TEMPORARY_FAILURE
  config            text    not null,         -- JSON: what is only given back whole, and the checker's notes
  private_key       bytea,                    -- DKIM key of a domain, PKCS#8, sealed
  token_mac         bytea,                    -- of the link that verifies an address
  token_expires_ms  bigint,
  check_ms          bigint,                   -- when to look at its DNS records next
  created_ms        bigint  not null
);
create index email_identities_by_token on email_identities (token_mac);
create index email_identities_by_check on email_identities (check_ms);

-- Sending authorization policies.
create table email_identity_policies (
  identity  text  not null references email_identities (name) on delete cascade,
  name      text  not null,
  policy    text  not null,
  primary key (identity, name)
);

-- One row: what this account may send.
create table ses_account (
  id          bigint  primary key,
  production  bigint  not null,               -- out of the sandbox
  sending     bigint  not null,               -- not paused by its owner
  quota       bigint  not null,               -- recipients in 24 hours; -1: no limit
  rate        bigint  not null,               -- recipients a second; -1: no limit
  full_ms     bigint  not null default 0,     -- when the whole rate is available again
  details     text    not null                -- JSON: what PutAccountDetails said, and its review
);

-- Recipients mailed, by quarter of an hour. Lanes keep concurrent sends out of one another's way.
create table send_counts (
  slot_ms     bigint  not null,
  lane        bigint  not null,
  recipients  bigint  not null,
  primary key (slot_ms, lane)
);

-- Mails on their way. What is final keeps its row for a while, without the mail.
create table outbox (
  id           text    primary key,
  purpose      text    not null,
  pool_id      text,
  user_id      text,
  recipient    text    not null,              -- masked
  state        text    not null,              -- waiting | sent | failed | expired | suppressed | dropped
  payload      bytea,                         -- sealed; null once final
  attempts     bigint  not null,              -- also fences: only the newest attempt may conclude
  next_ms      bigint,                        -- when anyone may attempt it; null once final
  reply        text    not null,
  not_after_ms bigint  not null,
  created_ms   bigint  not null
);
create index outbox_by_next on outbox (next_ms);
create index outbox_by_creation on outbox (created_ms);

-- Mails caught for development and tests.
create table inbox (
  id          text    primary key,            -- in order of time
  recipient   text    not null,               -- canonical
  content     bytea   not null,               -- JSON, sealed: it holds codes
  seen        bigint  not null default 0,
  created_ms  bigint  not null
);
create index inbox_by_recipient on inbox (recipient, id);

-- DNS records that stand here instead of in the world.
create table zone_records (
  name   text  not null,
  type   text  not null,
  value  text  not null,
  primary key (name, type, value)
);

create table configuration_sets (
  name        text    primary key,
  config      text    not null,
  created_ms  bigint  not null
);

create table suppressed_addresses (
  address     text    primary key,            -- local part as spelled, domain in lower case
  reason      text    not null,
  updated_ms  bigint  not null
);
