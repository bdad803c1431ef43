-- IAM: users, keys, roles and policies. Names are unique without regard to case, so each has its lower-case key.
-- Policies hang on an entity's unique id, which a new entity of the same name does not inherit.

create table iam_users (
  name_key    text    primary key,
  name        text    not null,
  id          text    not null unique,        -- AIDA…
  path        text    not null,
  boundary    text,                           -- ARN of a managed policy
  tags        text    not null,               -- JSON object
  created_ms  bigint  not null
);

create table iam_keys (
  id            text    primary key,
  user_id       text    not null references iam_users (id) on delete cascade,
  secret        bytea   not null,             -- sealed: signatures are made with it
  active        bigint  not null,
  created_ms    bigint  not null,
  last_used_ms  bigint
);
create index iam_keys_of_user on iam_keys (user_id);

create table iam_roles (
  name_key       text    primary key,
  name           text    not null,
  id             text    not null unique,     -- AROA…
  path           text    not null,
  trust          text    not null,            -- the document as it was given
  trust_ids      text    not null,            -- JSON object: ARN in the document to unique id at that time
  description    text,
  max_session_s  bigint  not null,
  service        text,                        -- whose service-linked role it is
  boundary       text,
  tags           text    not null,
  created_ms     bigint  not null,
  last_used_ms   bigint
);

-- Managed policies of the account; those that we ship are constants.
create table iam_policies (
  arn         text    primary key,
  name_key    text    not null unique,
  name        text    not null,
  id          text    not null unique,        -- ANPA…
  path        text    not null,
  description text,
  document    text    not null,
  tags        text    not null,
  created_ms  bigint  not null
);

create table iam_inline_policies (
  owner_id  text  not null,                   -- user or role
  name_key  text  not null,
  name      text  not null,
  document  text  not null,
  primary key (owner_id, name_key)
);

create table iam_attachments (
  owner_id    text    not null,
  policy_arn  text    not null,
  created_ms  bigint  not null,
  primary key (owner_id, policy_arn)
);
create index iam_attachments_of_policy on iam_attachments (policy_arn);

-- Sessions of AssumeRole: temporary keys.
create table iam_sessions (
  key_id      text    primary key,            -- ASIA…
  role_id     text    not null references iam_roles (id) on delete cascade,
  session     text    not null,
  secret      bytea   not null,               -- sealed
  token_mac   bytea   not null,
  policies    text    not null,               -- JSON list of name and document: they only take away
  created_ms  bigint  not null,
  expires_ms  bigint  not null
);
create index iam_sessions_by_expiry on iam_sessions (expires_ms);

-- How the deletion of a service-linked role ended; kept so that it can be asked for.
create table iam_role_deletions (
  id          text    primary key,
  role_id     text    not null unique,
  usage       text    not null,               -- JSON list of ARNs that still use the role; empty: deleted
  ended_ms    bigint  not null
);
