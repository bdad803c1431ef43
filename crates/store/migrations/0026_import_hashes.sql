-- How the passwords of a job's file are hashed (PasswordHashingAlgorithmType); empty: the file has none.
alter table import_jobs add column hashing text not null default '';
-- A hash of nobody's that costs what those of the file do; empty: none came.
alter table import_jobs add column hash_like text not null default '';
