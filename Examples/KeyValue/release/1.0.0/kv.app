{application, kv,
 [{description, "A key-value server that speaks the Redis protocol"},
  {vsn, "1.0.0"},
  {modules, [kv_sup, kv_server, kv_lolwut, kv_transform]},
  {registered, []},
  {applications, []},
  %% listen: where the server listens. proto_max_bulk_len: the largest value, in bytes, by Redis' name for it.
  {env, [{listen, "127.0.0.1:6379"}, {proto_max_bulk_len, 16777216}]},
  {mod, {kv_sup, []}}]}.
