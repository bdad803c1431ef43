-- The lines that somebody is writing are found without looking at all that wait.
create index log_lines_by_lease on log_lines (lease);
