-- What a password is proven against by SRP: salt and verifier, sealed. Missing for a hash that was taken over, until
-- its password is first given in plain.
alter table users add column verifier bytea;
