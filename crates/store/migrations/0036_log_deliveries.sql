-- Which events of a pool are written to which log group (SetLogDeliveryConfiguration).
create table log_deliveries (
  pool_id      text    not null references user_pools (id) on delete cascade,
  source       text    not null,              -- EventSourceName
  destination  text    not null,              -- the log group's ARN
  primary key (pool_id, source)
); -- by key

-- Lines on their way to a log group.
create table log_lines (
  id           text    primary key,           -- begins with its moment
  destination  text    not null,
  line         text    not null,              -- JSON
  lease        text    not null,              -- who is writing it; empty: nobody yet
  next_ms      bigint  not null,              -- when anybody may write it
  expires_ms   bigint  not null
);
create index log_lines_by_time on log_lines (next_ms);
create index log_lines_by_expiry on log_lines (expires_ms);
