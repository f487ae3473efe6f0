%% What Examples/Counter is: 1.0.0's state is a number, 2.0.0's (-DSECOND) a pair of it and who counted last.
-module(counter).
-behaviour(gen_server).
-export([start_link/0, init/1, handle_call/3, handle_cast/2, code_change/3]).

-ifdef(SECOND).
-vsn("2.0.0").
-else.
-vsn("1.0.0").
-endif.

start_link() -> gen_server:start_link(?MODULE, [], []).

-ifdef(SECOND).
init([]) -> {ok, {0, nobody}}.

handle_call({add, N, Who}, _From, {Count, _}) -> {reply, Count + N, {Count + N, Who}}.

code_change({down, "1.0.0"}, {Count, _Who}, []) -> {ok, Count};
code_change("1.0.0", Count, []) -> {ok, {Count, nobody}}.
-else.
init([]) -> {ok, 0}.

handle_call({add, N, _Who}, _From, Count) -> {reply, Count + N, Count + N}.

code_change(_Vsn, Count, []) -> {ok, Count}.
-endif.

handle_cast(_Message, State) -> {noreply, State}.
