%% The state of Examples/KeyValue: 1.0.0 has #{Key => Value}, 2.0.0 (-DSECOND) has {#{Key => Value}, [{Key, ExpiresAt}]}.
%%
%% Values are 1 KiB, so they live outside the process's heap, and code_change hands the same map on: nothing of the
%% state is copied, however large it is. So that this is what is measured, and no collection of a large heap:
%% - Expiries are a list. An empty map in this code would be a literal of the module, and the purge of a module has
%%   every heap collected that still refers to one of its literals.
%% - The heap begins as large as the state needs it: garbage makes it collect itself seldom, whatever its size.
-module(store).
-behaviour(gen_server).
-export([start_link/2, init/1, handle_call/3, handle_cast/2, code_change/3]).

-ifdef(SECOND).
-vsn("2.0.0").
-else.
-vsn("1.0.0").
-endif.

start_link(Keys, ValueBytes) ->
    Heap = [{min_heap_size, 1000 + 32 * Keys}, {min_bin_vheap_size, 1000 + Keys * ValueBytes div 4}],
    gen_server:start_link(?MODULE, {Keys, ValueBytes}, [{timeout, infinity}, {spawn_opt, Heap}]).

init({Keys, ValueBytes}) -> {ok, pack(maps:from_list([fill(N, ValueBytes) || N <- lists:seq(1, Keys)]))}.

fill(N, ValueBytes) -> {<<"fill:", (integer_to_binary(N))/binary>>, binary:copy(<<"v">>, ValueBytes)}.

handle_call({get, Key}, _From, State) -> {reply, maps:get(Key, values(State), undefined), State};
handle_call({set, Key, Value}, _From, State) -> {reply, ok, put_value(Key, Value, State)};
handle_call(size, _From, State) -> {reply, map_size(values(State)), State}.

handle_cast(_Message, State) -> {noreply, State}.

-ifdef(SECOND).
pack(Values) -> {Values, []}.
values({Values, _Expiries}) -> Values.
put_value(Key, Value, {Values, Expiries}) -> {Values#{Key => Value}, Expiries}.

code_change({down, "1.0.0"}, {Values, _Expiries}, []) -> {ok, Values};
code_change("1.0.0", Values, []) -> {ok, {Values, []}}.
-else.
pack(Values) -> Values.
values(Values) -> Values.
put_value(Key, Value, Values) -> Values#{Key => Value}.

code_change(_Vsn, Values, []) -> {ok, Values}.
-endif.
