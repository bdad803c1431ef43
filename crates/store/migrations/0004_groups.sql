-- Groups of users, and who is in them.

create table user_groups (
  pool_id      text    not null references user_pools (id) on delete cascade,
  name         text    not null,
  description  text,
  role_arn     text,
  precedence   bigint,                         -- the lowest comes first; null comes last
  created_ms   bigint  not null,
  modified_ms  bigint  not null,
  primary key (pool_id, name)
); -- by key

create table group_members (
  pool_id     text  not null,
  user_id     text  not null,
  group_name  text  not null,
  primary key (pool_id, user_id, group_name),
  foreign key (pool_id, user_id) references users (pool_id, id) on delete cascade,
  foreign key (pool_id, group_name) references user_groups (pool_id, name) on delete cascade
); -- by key
create index group_members_of_group on group_members (pool_id, group_name, user_id);
