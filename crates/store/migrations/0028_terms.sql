-- Documents that an app points people to before they make an account: where each is, by language.
create table terms (
  id           text    primary key,
  pool_id      text    not null references user_pools (id) on delete cascade,
  client_id    text    not null references app_clients (id) on delete cascade,
  name         text    not null,
  links        text    not null,              -- JSON object: language to address
  created_ms   bigint  not null,
  modified_ms  bigint  not null
);
create unique index terms_of_client on terms (client_id, name);
create index terms_of_pool on terms (pool_id, id);
