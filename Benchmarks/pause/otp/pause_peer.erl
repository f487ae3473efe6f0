%% OTP's release_handler as a peer: makes one change for each line of its input, and answers with a line of JSON.
%%
%% main([Directory, Module, Workers | Arguments]): Directory/lib has peer-1.0.0 and peer-2.0.0, Module is counter or
%% store, Arguments are the integers of its start_link. The first answer, {"ready": true, ...}, comes when all run.
%%   up, down   one change of all workers. quiet_us: the longest that a client waited in the quiet before it; wait_us:
%%              the longest through the change, its calls before and after it included; total_ms: all of the change
%%   end        ends the node, as the end of the input does
-module(pause_peer).
-export([main/1]).

-define(QUIET_MS, 200).
-define(AFTER_MS, 100).

main([Directory, Module, Workers | Arguments]) ->
    logger:set_primary_config(level, none),
    [First, Second] = [filename:join([Directory, "lib", "peer-" ++ Vsn]) || Vsn <- ["1.0.0", "2.0.0"]],
    true = code:add_patha(filename:join(First, "ebin")),
    ok = application:load(peer),
    Environment = [{module, list_to_atom(Module)}, {workers, list_to_integer(Workers)},
                   {arguments, [list_to_integer(A) || A <- Arguments]}],
    [ok = application:set_env(peer, Key, Value) || {Key, Value} <- Environment],
    ok = application:start(sasl),
    ok = application:start(peer),
    %% What filling them left behind is not to be collected in the first change.
    [erlang:garbage_collect(Pid) || Pid <- ends()],
    io:format("{\"ready\": true, \"otp\": \"~s\", \"erts\": \"~s\", \"schedulers\": ~b}~n",
              [erlang:system_info(otp_release), erlang:system_info(version), erlang:system_info(schedulers_online)]),
    serve(list_to_atom(Module), First, Second),
    halt(0).

serve(Module, First, Second) ->
    case io:get_line("") of
        "up\n" ->
            answer(Module, fun() -> release_handler:upgrade_app(peer, Second) end),
            serve(Module, First, Second);
        "down\n" ->
            answer(Module, fun() -> release_handler:downgrade_app(peer, "1.0.0", First) end),
            serve(Module, First, Second);
        _ ->
            ok
    end.

answer(Module, Change) ->
    Clients = [start_client(Module, Pid) || Pid <- ends()],
    timer:sleep(?QUIET_MS),
    Quiet = longest(Clients, next),
    {Total, {ok, _}} = timer:tc(Change),
    timer:sleep(?AFTER_MS),
    Wait = longest(Clients, stop),
    io:format("{\"quiet_us\": ~.3f, \"wait_us\": ~.3f, \"total_ms\": ~.3f}~n", [Quiet / 1000, Wait / 1000, Total / 1000]).

%% The first and the last child: who is suspended first and resumed last is one of them. Of one child, that one.
ends() ->
    Children = [Pid || {_, Pid, _, _} <- supervisor:which_children(peer_sup)],
    lists:usort([hd(Children), lists:last(Children)]).

start_client(Module, Pid) ->
    Parent = self(),
    spawn_link(fun() -> client(Module, Pid, Parent, 0, 0) end).

%% The longest wait of any client, in nanoseconds, since it started or was asked before.
longest(Clients, Then) ->
    [Client ! Then || Client <- Clients],
    lists:max([receive {Client, Longest} -> Longest end || Client <- Clients]).

client(Module, Pid, Parent, N, Longest) ->
    receive
        stop -> Parent ! {self(), Longest};
        next -> Parent ! {self(), Longest}, client(Module, Pid, Parent, N, 0)
    after 0 ->
        Began = erlang:monotonic_time(nanosecond),
        call(Module, Pid, N),
        client(Module, Pid, Parent, N + 1, max(Longest, erlang:monotonic_time(nanosecond) - Began))
    end.

%% What the client of ours does, too: counts; or writes a key and reads it back.
call(counter, Pid, _N) ->
    gen_server:call(Pid, {add, 1, client}, infinity);
call(store, Pid, N) when N rem 2 =:= 0 ->
    ok = gen_server:call(Pid, {set, <<"client">>, integer_to_binary(N)}, infinity);
call(store, Pid, N) ->
    Written = integer_to_binary(N - 1),
    Written = gen_server:call(Pid, {get, <<"client">>}, infinity).
