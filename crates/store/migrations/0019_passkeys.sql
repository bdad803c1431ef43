-- Passkeys: what a user registered with us, by the credential's id.
create table passkeys (
  pool_id       text    not null,
  id            bytea   not null,             -- the credential's id; one user's in a pool
  user_id       text    not null,
  rp_id         text    not null,             -- the relying party it was made for
  public_key    bytea   not null,             -- COSE_Key
  sign_count    bigint  not null,
  facts         text    not null,             -- JSON: name, attachment, transports, model, backup flags
  created_ms    bigint  not null,
  used_ms       bigint,
  primary key (pool_id, id),
  foreign key (pool_id, user_id) references users (pool_id, id) on delete cascade
);
create index passkeys_of_user on passkeys (pool_id, user_id);
