-- How long a browser stays signed in by an app client.
alter table app_clients add column sso_minutes bigint not null default 60;
