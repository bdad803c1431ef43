-- How the pages of an app look. Pictures are apart from the settings, for they are fetched one at a time.
create table login_brandings (
  id           text    primary key,
  pool_id      text    not null references user_pools (id) on delete cascade,
  client_id    text    not null references app_clients (id) on delete cascade,
  settings     text    not null,              -- JSON: as given, and whether Cognito's own values are asked for
  created_ms   bigint  not null,
  modified_ms  bigint  not null
);
create unique index login_brandings_of_client on login_brandings (client_id);
create index login_brandings_of_pool on login_brandings (pool_id);

create table login_pictures (
  branding_id  text    not null references login_brandings (id) on delete cascade,
  number       bigint  not null,
  category     text    not null,
  color_mode   text    not null,
  extension    text    not null,
  resource_id  text,
  hash         text    not null,
  bytes        bytea   not null,
  primary key (branding_id, number)
);

-- The classic pages' style: of a client, or of all clients of a pool ("ALL").
create table ui_customizations (
  pool_id      text    not null references user_pools (id) on delete cascade,
  client_id    text    not null,
  css          text    not null,
  hash         text,                          -- of the picture
  picture      bytea,
  created_ms   bigint  not null,
  modified_ms  bigint  not null,
  primary key (pool_id, client_id)
);
