-- What is the matter with lines of an import's file, in words that repeat nothing of them.
create table import_faults (
  job_id  text    not null references import_jobs (id) on delete cascade,
  line    bigint  not null,
  fault   text    not null,
  primary key (job_id, line)
); -- by key
