-- Users are found by any attribute that a filter may name, a page at a time, in the order of its values.
drop index users_by_name;
drop index users_by_email;
create index users_by_name on users (pool_id, username, id);
create index users_by_email on users (pool_id, email_key, id);
create index users_by_phone on users (pool_id, phone_key, id);
create index users_by_status on users (pool_id, status, id);
create index users_by_standing on users (pool_id, enabled, id);

-- The values of name, given_name, family_name and preferred_username, in lower case and cut to 250 characters.
create table user_search (
  pool_id    text  not null,
  attribute  text  not null,
  value      text  not null,
  user_id    text  not null,
  primary key (pool_id, attribute, value, user_id),
  foreign key (pool_id, user_id) references users (pool_id, id) on delete cascade
); -- by key
create index user_search_of_user on user_search (pool_id, user_id);

insert into user_search (pool_id, attribute, value, user_id)
select pool_id, 'name', substr(lower(attributes ->> 'name'), 1, 250), id from users
where attributes ->> 'name' <> '';
insert into user_search (pool_id, attribute, value, user_id)
select pool_id, 'given_name', substr(lower(attributes ->> 'given_name'), 1, 250), id from users
where attributes ->> 'given_name' <> '';
insert into user_search (pool_id, attribute, value, user_id)
select pool_id, 'family_name', substr(lower(attributes ->> 'family_name'), 1, 250), id from users
where attributes ->> 'family_name' <> '';
insert into user_search (pool_id, attribute, value, user_id)
select pool_id, 'preferred_username', substr(lower(attributes ->> 'preferred_username'), 1, 250), id from users
where attributes ->> 'preferred_username' <> '';
