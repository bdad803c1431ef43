-- Sign-ins that are tracked, for pools that ask for it: what a person needs to know them again.
create table token_sessions (
  sign_in_id  bytea   primary key,
  pool_id     text    not null,
  user_id     text    not null,
  client_id   text    not null,
  device      text    not null,               -- known words of the User-Agent
  source      text    not null,               -- the address it was last used from
  created_ms  bigint  not null,
  used_ms     bigint  not null,
  expires_ms  bigint  not null,
  foreign key (pool_id, user_id) references users (pool_id, id) on delete cascade
); -- by key
create index token_sessions_of_user on token_sessions (pool_id, user_id, created_ms);
create index token_sessions_by_expiry on token_sessions (expires_ms);

alter table user_pools add column sessions_tracked bigint not null default 0;
alter table user_pools add column sessions_max bigint not null default 20;
