#!/usr/bin/env escript
%% -*- erlang -*-
%% Writes errors.terms beside it: what OTP's release_handler answers to operations on releases that are refused.
%%
%%     escript Tests/InstructionsTests/golden/release_handler/make-errors.escript
%%
%% In a root of its own 1.0.0 is permanent, and 2.0.0 is registered where a case begins with it. DIR/ is taken out of
%% the answers. Case: {Operation, Arguments, Reply}.

main([]) ->
    Here = filename:dirname(escript:script_name()),
    Dir = "/tmp/golden-releases-" ++ os:getpid(),
    Root = Dir ++ "/root",
    Libs = [{App, Vsn} || {App, _, Vsn} <- application:which_applications(), App =/= sasl],
    write(Root ++ "/releases/1.0.0/fix.rel", rel("1.0.0", Libs)),
    write(Dir ++ "/fix.rel", rel("2.0.0", Libs)),
    write(Dir ++ "/other.rel", rel("3.0.0", [{fix, "1.0"} | Libs])),
    write(Dir ++ "/cut.rel", "{release, {\"fix\""),
    write(Dir ++ "/shape.rel", "{rel, x}.\n"),
    write(Dir ++ "/file/fix-1.0", ""),
    write(Dir ++ "/relup", "{\"2.0.0\",[],[]}.\n"),
    ok = release_handler:create_RELEASES(Root, Root ++ "/releases", Root ++ "/releases/1.0.0/fix.rel", []),
    write(Root ++ "/releases/start_erl.data", erlang:system_info(version) ++ " 1.0.0\n"),
    application:load(sasl),
    application:set_env(sasl, releases_dir, Root ++ "/releases"),
    application:set_env(sasl, sasl_error_logger, false),
    {ok, _} = application:ensure_all_started(sasl),
    Cases = [{set_unpacked, [Dir ++ "/none.rel", []]},
             {set_unpacked, [Dir ++ "/cut.rel", []]},
             {set_unpacked, [Dir ++ "/shape.rel", []]},
             {set_unpacked, [Root ++ "/releases/1.0.0/fix.rel", []]},
             {set_unpacked, [Dir ++ "/other.rel", [{fix, "1.0", Dir ++ "/nowhere"}]]},
             {set_unpacked, [Dir ++ "/other.rel", [{fix, "1.0", Dir ++ "/file"}]]},
             {set_unpacked, [Dir ++ "/fix.rel", []]},
             {set_unpacked, [Dir ++ "/fix.rel", []]},
             {install_file, ["9", Dir ++ "/relup"]},
             {install_file, ["2.0.0", Dir ++ "/none"]},
             {install_file, ["2.0.0", Dir ++ "/file"]},
             {install_file, ["2.0.0", Dir ++ "/relup"]},
             {reboot_old_release, ["9"]},
             {reboot_old_release, ["2.0.0"]},
             {reboot_old_release, ["1.0.0"]},
             {set_removed, ["9"]},
             {set_removed, ["1.0.0"]},
             {set_removed, ["2.0.0"]},
             {upgrade_app, [nobody, Dir ++ "/nobody"]},
             {downgrade_app, [nobody, Dir ++ "/nobody"]},
             {downgrade_app, [nobody, Dir ++ "/nobody-1"]}],
    Replies = [{Name, without(Dir ++ "/", Args), without(Dir ++ "/", apply(release_handler, Name, Args))}
               || {Name, Args} <- Cases],
    os:cmd("rm -r " ++ Dir),
    Head = io_lib:format("%% OTP ~s, by make-errors.escript beside this file. Not to be edited.~n",
                         [erlang:system_info(otp_release)]),
    ok = file:write_file(filename:join(Here, "errors.terms"),
                         [Head | [io_lib:format("~p.~n", [Case]) || Case <- Replies]]).

rel(Vsn, Libs) ->
    io_lib:format("~p.~n", [{release, {"fix", Vsn}, {erts, erlang:system_info(version)}, Libs}]).

write(File, Text) ->
    ok = filelib:ensure_dir(File),
    ok = file:write_file(File, Text).

without(Dir, Term) when is_tuple(Term) -> list_to_tuple(without(Dir, tuple_to_list(Term)));
without(Dir, [Char | _] = Text) when is_integer(Char) -> lists:flatten(string:replace(Text, Dir, "", all));
without(Dir, List) when is_list(List) -> [without(Dir, Element) || Element <- List];
without(_, Term) -> Term.
