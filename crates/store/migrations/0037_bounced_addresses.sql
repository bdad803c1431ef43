-- Addresses that mail bounced from are tried again after some time; what an administrator put on the list stays.
alter table suppressed_addresses add column expires_ms bigint;
create index suppressed_addresses_by_expiry on suppressed_addresses (expires_ms);
