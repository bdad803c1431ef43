-- An app client may have two secrets, so that one can be changed for the other without a gap.
create table client_secrets (
  client_id   text    not null references app_clients (id) on delete cascade,
  id          text    not null,
  secret      bytea   not null,               -- sealed
  created_ms  bigint  not null,
  primary key (client_id, id)
); -- by key

insert into client_secrets (client_id, id, secret, created_ms)
select id, id || '--' || cast(created_ms as text), secret, created_ms from app_clients where secret is not null;
alter table app_clients drop column secret;
