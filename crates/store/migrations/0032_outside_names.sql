-- Where people are known by their addresses, what outside providers call theirs is apart from those.
update user_names set name_key = '	' || name_key
where kind = 'username'
  and exists (
    select 1 from user_pools where user_pools.id = user_names.pool_id and config like '%"UsernameAttributes":["%'
  )
  and exists (
    select 1 from users
    where users.pool_id = user_names.pool_id and users.id = user_names.user_id and status = 'EXTERNAL_PROVIDER'
  );
