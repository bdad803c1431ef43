-- Devices that people have their apps remember: what each can be proven by, and since when it is trusted.
create table devices (
  pool_id     text    not null,
  user_id     text    not null,
  key         text    not null,
  name        text,                           -- how the app calls it
  verifier    bytea   not null,               -- what its secret is proven against, sealed
  remembered  bigint  not null,               -- 0: known, and stands for nothing
  trusted_ms  bigint  not null,               -- when all factors were last given on it; 0: never
  asked       bytea,                          -- the challenge that last asked for it, for clients without a session
  source      text    not null,               -- the address it was last proven from
  created_ms  bigint  not null,
  changed_ms  bigint  not null,
  used_ms     bigint  not null,
  primary key (pool_id, user_id, key),
  foreign key (pool_id, user_id) references users (pool_id, id) on delete cascade
); -- by key
