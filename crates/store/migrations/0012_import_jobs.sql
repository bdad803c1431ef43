-- Jobs that bring users in from a file, and what is still to be read of it.
create table import_jobs (
  id                 text    primary key,
  pool_id            text    not null references user_pools (id) on delete cascade,
  name               text    not null,
  role_arn           text    not null,
  status             text    not null,        -- UserImportJobStatusType
  upload_mac         bytea   not null,        -- of the token in the address that the file is put to
  upload_expires_ms  bigint  not null,
  header             text    not null default '',  -- JSON list: the columns of the file; empty: none is there yet
  next_chunk         bigint  not null default 0,
  imported           bigint  not null default 0,
  skipped            bigint  not null default 0,
  failed             bigint  not null default 0,
  message            text    not null default '',
  created_ms         bigint  not null,
  started_ms         bigint,
  completed_ms       bigint
);
create index import_jobs_of_pool on import_jobs (pool_id, id);
create index import_jobs_by_status on import_jobs (status, id);

-- The lines of a file, some at a time.
create table import_chunks (
  job_id  text    not null references import_jobs (id) on delete cascade,
  number  bigint  not null,
  lines   bytea   not null,                   -- JSON list of lists of texts, sealed
  primary key (job_id, number)
); -- by key
