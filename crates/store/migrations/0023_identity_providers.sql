-- Outside providers of identities: where a pool's people may sign in elsewhere.
create table identity_providers (
  pool_id      text    not null references user_pools (id) on delete cascade,
  name         text    not null,
  config       text    not null,              -- IdentityProviderType without its secrets
  secrets      bytea   not null,              -- the details that are secret: JSON, sealed
  created_ms   bigint  not null,
  modified_ms  bigint  not null,
  primary key (pool_id, name)
); -- by key

-- Further names of providers, such as the domains of their people's addresses.
create table identity_provider_identifiers (
  pool_id     text  not null references user_pools (id) on delete cascade,
  identifier  text  not null,
  provider    text  not null,
  primary key (pool_id, identifier)
); -- by key

-- Which user somebody is at a provider: known by issuer and subject, and by nothing else.
create table outside_identities (
  pool_id   text  not null references user_pools (id) on delete cascade,
  provider  text  not null,
  issuer    text  not null,
  subject   text  not null,
  user_id   text  not null,
  primary key (pool_id, provider, issuer, subject)
); -- by key
create index outside_identities_of_user on outside_identities (pool_id, user_id);
