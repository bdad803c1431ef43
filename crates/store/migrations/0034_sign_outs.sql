-- Sign-outs that go on at an outside provider. The handle is with the browser; we keep its keyed hash.
create table sign_outs (
  handle_mac  bytea   primary key,
  pool_id     text    not null references user_pools (id) on delete cascade,
  facts       text    not null,               -- JSON: which provider was asked, how, and where the browser goes then
  expires_ms  bigint  not null
); -- by key
create index sign_outs_by_expiry on sign_outs (expires_ms);

-- A provider that ends somebody's sessions names nobody but them.
create index outside_identities_by_subject on outside_identities (issuer, subject);
