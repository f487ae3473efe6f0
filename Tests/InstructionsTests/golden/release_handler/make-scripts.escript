#!/usr/bin/env escript
%% -*- erlang -*-
%% Writes scripts.terms beside it: what OTP's release_handler makes of .appup files for one application.
%%
%%     escript Tests/InstructionsTests/golden/release_handler/make-scripts.escript
%%
%% kv-1 runs; a case has the files of kv-2 (up) or kv-0 and the .appup of kv-1 (down). The answer is that of
%% release_handler:upgrade_script(kv, "DIR/kv-2"), downgrade_script(kv, "0", "DIR/kv-0"), with what they throw as
%% {error, Reason} and DIR/ taken out of it. Case: {Name, up | down, [{File, Text}], Answer}.

main([]) ->
    Here = filename:dirname(escript:script_name()),
    Dir = "/tmp/golden-application-" ++ os:getpid(),
    code:add_patha(code:lib_dir(sasl) ++ "/ebin"),
    Answered = [answered(Case, Dir) || Case <- cases()],
    os:cmd("rm -r " ++ Dir),
    Head = io_lib:format("%% OTP ~s, by make-scripts.escript beside this file. Not to be edited.~n",
                         [erlang:system_info(otp_release)]),
    ok = file:write_file(filename:join(Here, "scripts.terms"),
                         [Head | [io_lib:format("~p.~n", [Case]) || Case <- Answered]]).

answered({Name, Way, Files}, Dir) ->
    os:cmd("rm -rf " ++ Dir),
    All = Files ++ [{"kv-1/ebin/kv.app", app("1")} || not lists:keymember("kv-1/ebin/kv.app", 1, Files)],
    [begin
         Path = filename:join(Dir, File),
         ok = filelib:ensure_dir(Path),
         ok = file:write_file(Path, Text)
     end || {File, Text} <- All],
    [filelib:ensure_dir(filename:join(Dir, Sub) ++ "/ebin/x") || Sub <- ["kv-0", "kv-2"]],
    Ebin = filename:join(Dir, "kv-1/ebin"),
    code:add_patha(Ebin),
    ok = application:start(kv),
    Answer = try
                 case Way of
                     up -> release_handler:upgrade_script(kv, filename:join(Dir, "kv-2"));
                     down ->
                         {ok, Script} = release_handler:downgrade_script(kv, "0", filename:join(Dir, "kv-0")),
                         {ok, "0", Script}
                 end
             catch
                 throw:Reason -> {error, without(Dir ++ "/", Reason)}
             end,
    ok = application:stop(kv),
    ok = application:unload(kv),
    code:del_path(Ebin),
    {Name, Way, [{File, list_to_binary(Text)} || {File, Text} <- lists:sort(All)], Answer}.

without(Dir, Term) when is_tuple(Term) -> list_to_tuple(without(Dir, tuple_to_list(Term)));
without(Dir, [Char | _] = Text) when is_integer(Char) -> lists:flatten(string:replace(Text, Dir, "", all));
without(Dir, List) when is_list(List) -> [without(Dir, Element) || Element <- List];
without(_, Term) -> Term.

app(Vsn) -> app(Vsn, "[a,b,c]").

app(Vsn, Modules) ->
    "{application,kv,[{description,\"\"},{vsn,\"" ++ Vsn ++ "\"},{modules," ++ Modules ++
        "},{registered,[]},{applications,[]}]}.\n".

up(Name, Script) -> up(Name, "\"1\"", Script).

up(Name, Vsn, Script) ->
    {Name, up, [{"kv-2/ebin/kv.app", app("2")},
                {"kv-2/ebin/kv.appup", "{\"2\",[{" ++ Vsn ++ "," ++ Script ++ "}],[]}.\n"}]}.

down(Name, Script) ->
    {Name, down, [{"kv-0/ebin/kv.app", app("0")},
                  {"kv-1/ebin/kv.appup", "{\"1\",[],[{\"0\"," ++ Script ++ "}]}.\n"}]}.

cases() ->
    [up(load_module, "[{load_module,a}]"),
     up(update_advanced, "[{update,a,{advanced,extra}}]"),
     up(update_soft, "[{update,a,soft}]"),
     up(update_depends, "[{update,a,{advanced,[]},[b]},{load_module,b}]"),
     up(update_supervisor, "[{update,a,supervisor}]"),
     up(add_and_delete, "[{add_module,c},{load_module,a},{delete_module,b}]"),
     up(delete_module, "[{delete_module,d}]"),
     up(restart_application, "[{restart_application,kv}]"),
     up(apply_first, "[{apply,{io,format,[\"x\"]}},point_of_no_return,{load_module,a}]"),
     up(low_level, "[{load_object_code,{kv,\"2\",[a]}},point_of_no_return,{load,{a,soft_purge,brutal_purge}}]"),
     up(nothing, "[]"),
     up(restart_emulator, "[restart_emulator]"),
     up(pattern, "<<\"[0-9]\">>", "[{load_module,a}]"),
     up(pattern_of_part, "<<\"[0-9]\\\\.\">>", "[{load_module,a}]"),
     up(version_not_in_appup, "\"0\"", "[]"),
     up(no_such_module, "[{load_module,z}]"),
     up(unknown_dependency, "[{update,a,{advanced,[]},[z]}]"),
     up(bad_instruction, "[{loadmodule,a}]"),
     up(two_points, "[point_of_no_return,point_of_no_return]"),
     up(add_unknown_application, "[{add_application,other}]"),
     up(suspend_alone, "[{suspend,[a]}]"),
     {no_appup, up, [{"kv-2/ebin/kv.app", app("2")}]},
     {no_app, up, [{"kv-2/ebin/kv.appup", "{\"2\",[{\"1\",[]}],[]}.\n"}]},
     {app_of_other_version, up, [{"kv-2/ebin/kv.app", app("3")},
                                 {"kv-2/ebin/kv.appup", "{\"2\",[{\"1\",[]}],[]}.\n"}]},
     {app_without_modules, up, [{"kv-2/ebin/kv.app", "{application,kv,[{vsn,\"2\"}]}.\n"},
                                {"kv-2/ebin/kv.appup", "{\"2\",[{\"1\",[]}],[]}.\n"}]},
     down(down_advanced, "[{update,a,{advanced,extra}}]"),
     down(down_static, "[{update,a,static,default,{advanced,[]},brutal_purge,brutal_purge,[]}]"),
     down(down_added_module, "[{delete_module,d}]"),
     {down_not_in_appup, down, [{"kv-0/ebin/kv.app", app("0")}, {"kv-1/ebin/kv.appup", "{\"1\",[],[]}.\n"}]},
     {down_no_appup, down, [{"kv-0/ebin/kv.app", app("0")}]},
     {down_no_app, down, [{"kv-1/ebin/kv.appup", "{\"1\",[],[{\"0\",[]}]}.\n"}]}].
