-- Links in notices to an address that is being changed or removed: each takes that change back, once.
create table undo_links (
  token_mac   bytea   primary key,
  pool_id     text    not null,
  user_id     text    not null,
  attribute   text    not null,
  old_value   text    not null,
  expires_ms  bigint  not null,
  foreign key (pool_id, user_id) references users (pool_id, id) on delete cascade
); -- by key
create index undo_links_of_user on undo_links (pool_id, user_id);
create index undo_links_by_expiry on undo_links (expires_ms);
