%% The application peer: as many workers of one kind as the environment says, below one supervisor.
-module(peer_sup).
-behaviour(application).
-behaviour(supervisor).
-export([start/2, stop/1, init/1]).

start(_Type, _Arguments) -> supervisor:start_link({local, ?MODULE}, ?MODULE, []).
stop(_State) -> ok.

init([]) ->
    {ok, Module} = application:get_env(peer, module),
    {ok, Arguments} = application:get_env(peer, arguments),
    {ok, Workers} = application:get_env(peer, workers),
    {ok, {#{strategy => one_for_one},
          [#{id => N, start => {Module, start_link, Arguments}, modules => [Module]} || N <- lists:seq(1, Workers)]}}.
