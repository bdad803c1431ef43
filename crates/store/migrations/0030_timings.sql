-- How long things took: how many stayed under a bound and over the one below it, and their sum; the hour 0 holds all hours.
create table timings (
  hour_ms   bigint  not null,
  series    text    not null,                 -- Series
  name      text    not null,
  bound_ms  bigint  not null,                 -- the greatest number: no bound
  count     bigint  not null,
  total_ms  bigint  not null,
  primary key (hour_ms, series, name, bound_ms)
); -- by key
