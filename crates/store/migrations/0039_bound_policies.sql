-- Whom the ARNs of an identity's policy meant when it was written, as JSON.
alter table email_identity_policies add column ids text not null default '{}';

-- An address is one address in every spelling.
alter table suppressed_addresses add column canonical text not null default '';
update suppressed_addresses set canonical = lower(address);
create index suppressed_addresses_by_canonical on suppressed_addresses (canonical);

-- Whether mail about risks is sent through the service-linked role.
alter table risk_configurations add column uses_email_role bigint not null default 0;
update risk_configurations set uses_email_role = 1 where config like '%"NotifyConfiguration"%';
