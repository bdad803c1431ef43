-- APIs that a pool's tokens are for, and the scopes that each of them knows.
create table resource_servers (
  pool_id     text  not null references user_pools (id) on delete cascade,
  identifier  text  not null,
  name        text  not null,
  scopes      text  not null,                 -- JSON list of ResourceServerScopeType
  primary key (pool_id, identifier)
); -- by key
