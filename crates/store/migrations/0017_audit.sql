-- What was asked in a call, without what must not be kept: JSON, empty where it is not known.
alter table audit add column request text not null default '';
create index audit_by_who on audit (who, id);

-- How often what ended how, by hour; the hour 0 holds the sum of all hours. Counted as records are linked.
create table audit_counts (
  hour_ms  bigint  not null,
  action   text    not null,
  outcome  text    not null,
  count    bigint  not null,
  primary key (hour_ms, action, outcome)
); -- by key
