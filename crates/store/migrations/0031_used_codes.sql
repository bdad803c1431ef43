-- Whether the code in a caught mail was used.
alter table inbox add column used bigint not null default 0;
