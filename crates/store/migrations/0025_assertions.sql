-- SAML assertions that signed somebody in: none does so twice. Kept for as long as they would be good.
create table assertions_used (
  assertion_mac  bytea   primary key,
  expires_ms     bigint  not null
); -- by key
create index assertions_used_by_expiry on assertions_used (expires_ms);
