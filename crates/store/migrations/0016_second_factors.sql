-- What a user has for a second factor: one row for whoever ever set one up or chose one.
create table second_factors (
  pool_id      text    not null references user_pools (id) on delete cascade,
  user_id      text    not null,
  enabled      text    not null default '[]', -- JSON: the names of those that are asked for
  preferred    text,
  seed         bytea,                         -- of the authenticator, sealed; its first code was given
  device       text,                          -- how the person calls the authenticator
  step_used    bigint  not null default 0,    -- the newest time step whose code was used
  new_seed     bytea,                         -- sealed; waits for its first code
  new_seed_ms  bigint  not null default 0,    -- since when
  primary key (pool_id, user_id)
); -- by key
