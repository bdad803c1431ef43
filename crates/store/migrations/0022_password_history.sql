-- Hashes of passwords that a user had before, as many as the pool's policy asks for.
create table password_history (
  pool_id  text    not null references user_pools (id) on delete cascade,
  user_id  text    not null,
  number   bigint  not null,              -- newer ones have higher numbers
  hash     text    not null,
  primary key (pool_id, user_id, number)
); -- by key
