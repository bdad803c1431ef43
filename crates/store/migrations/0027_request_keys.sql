-- What a pool's SAML requests are signed by, and the certificate that providers know it by.
create table request_keys (
  pool_id      text    primary key references user_pools (id) on delete cascade,
  private_key  bytea   not null,              -- PKCS#8, sealed
  certificate  bytea   not null,              -- X.509, DER
  created_ms   bigint  not null
); -- by key
