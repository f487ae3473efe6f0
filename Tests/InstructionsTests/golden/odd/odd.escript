#!/usr/bin/env escript
%% -*- erlang -*-
%% What OTP makes of odd sys.config, RELEASES and .rel files: prints odd.tsv. See README.md.
-mode(compile).

main(_) ->
    Root = "/tmp/odd-" ++ os:getpid(),
    [print(config, Name, Files, config(Root, Files)) || {Name, Files} <- configs()],
    [print(releases, Name, [{"RELEASES", Text}], releases(Root, Text)) || {Name, Text} <- releases()],
    [print(rel, Name, [{"kv.rel", Text}], rel(Root, Text)) || {Name, Text} <- rels()],
    os:cmd("rm -rf " ++ Root).

print(Kind, Name, Files, Answer) ->
    Shown = lists:join(" ", [[File, "=", hex(Text)] || {File, Text} <- Files]),
    Plain = re:replace(iolist_to_binary(Answer), "[^ -~]", "?", [global]),
    io:put_chars([atom_to_list(Kind), "\t", Name, "\t", Shown, "\t", Plain, "\n"]).

hex(Text) -> [io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= iolist_to_binary(Text)].

%% The emulator is started with the configuration, in a working directory of its own, and tells what it has of the applications
%% kv, b, c and d. @ in a text is the directory.
config(Root, Files) ->
    [begin
         Path = filename:join([Root, "root", File]),
         ok = filelib:ensure_dir(Path),
         ok = file:write_file(Path, binary:replace(iolist_to_binary(Text), <<"@">>, list_to_binary(Root ++ "/root"), [global]))
     end || {File, Text} <- Files],
    Work = filename:join(Root, "root/work"),
    ok = filelib:ensure_dir(Work ++ "/x"),
    Print = "Conf = element(9, sys:get_state(application_controller)), "
        "Kept = [E || {A, _} = E <- Conf, lists:member(A, [kv, b, c, d])], "
        "io:format(\"~n=~s=~n\", [[io_lib:format(\"~2.16.0b\", [B]) || <<B>> <= term_to_binary(Kept)]]), halt().",
    Said = os:cmd("cd " ++ Work ++ " && ERL_CRASH_DUMP=/dev/null timeout -s KILL 20 erl -noinput -config ../sys -eval '" ++ Print ++ "' 2>&1"),
    os:cmd("rm -rf " ++ Root ++ "/root"),
    case re:run(Said, "=([0-9a-f]+)=", [{capture, [1], list}]) of
        {match, [Hex]} -> ["ok ", Hex];
        nomatch ->
            Words = case re:run(Said, "(invalid config|configuration file)[^\\r\\n]*", [{capture, [0], list}]) of
                        {match, [Found]} -> Found;
                        nomatch -> string:slice(Said, 0, 200)
                    end,
            ["error ", re:replace(re:replace(Words, Root, "", [global]), "\\s+", " ", [global])]
    end.

%% release_handler is started with the file, and tells which releases there are.
releases(Root, Text) ->
    File = filename:join([Root, "releases", "RELEASES"]),
    ok = filelib:ensure_dir(File),
    ok = file:write_file(File, Text),
    Print = "R = (catch begin ok = application:start(sasl), release_handler:which_releases() end), "
        "io:format(\"~n=~s=~n\", [[io_lib:format(\"~2.16.0b\", [B]) || <<B>> <= term_to_binary(R)]]), halt().",
    Said = os:cmd("ERL_CRASH_DUMP=/dev/null timeout -s KILL 20 erl -noinput -sasl releases_dir '\"" ++ Root ++ "/releases\"' -eval '" ++ Print ++ "' 2>&1"),
    case re:run(Said, "=([0-9a-f]+)=", [{capture, [1], list}]) of
        {match, [Hex]} ->
            Bytes = << <<(list_to_integer([A, B], 16))>> || <<A, B>> <= list_to_binary(Hex) >>,
            case binary_to_term(Bytes) of
                List when is_list(List) -> ["ok ", Hex];
                Other -> ["error ", re:replace(io_lib:format("~0P", [Other, 14]), Root, "", [global])]
            end;
        nomatch -> ["error ", re:replace(string:slice(Said, 0, 200), "\\s+", " ", [global])]
    end.

rel(Root, Text) ->
    File = filename:join([Root, "rel", "kv.rel"]),
    ok = filelib:ensure_dir(File),
    ok = file:write_file(File, Text),
    case catch systools_make:read_release(filename:rootname(File), []) of
        {ok, Release, _} -> ["ok ", hex(term_to_binary(Release))];
        Other -> ["error ", re:replace(io_lib:format("~0P", [Other, 14]), Root, "", [global])]
    end.

configs() ->
    More = {"more.config", "[{b, [{x, 1}]}].\n"},
    [{"nothing", [{"sys.config", ""}]}, {"a comment", [{"sys.config", "%% nothing\n"}]}, {"an empty list", [{"sys.config", "[]."}]},
     {"one application", [{"sys.config", "[{kv, [{port, 1}]}].\n"}]},
     {"an application twice", [{"sys.config", "[{kv, [{a, 1}, {b, 1}]}, {kv, [{b, 2}]}].\n"}]},
     {"a key twice", [{"sys.config", "[{kv, [{a, 1}, {a, 2}]}].\n"}]},
     {"no dot", [{"sys.config", "[{kv, []}]\n"}]}, {"two terms", [{"sys.config", "[{kv, [{a, 1}]}].\n[{kv, [{a, 2}]}].\n"}]},
     {"text behind the dot", [{"sys.config", "[{kv, [{a, 1}]}]. x\n"}]}, {"a comment behind the dot", [{"sys.config", "[{kv, [{a, 1}]}]. % x\n"}]},
     {"a dot at the very end", [{"sys.config", "[{kv, [{a, 1}]}]."}]}, {"blanks behind the dot", [{"sys.config", "[{kv, [{a, 1}]}].\n\n  \n"}]},
     {"coding latin-1", [{"sys.config", <<"%% coding: latin-1\n[{kv, [{a, \"", 252, "\"}]}].\n">>}]},
     {"latin-1 without a word", [{"sys.config", <<"[{kv, [{a, \"", 252, "\"}]}].\n">>}]},
     {"utf-8", [{"sys.config", <<"[{kv, [{a, \"", 195, 188, "\"}]}].\n">>}]},
     {"a byte order mark", [{"sys.config", <<16#EF, 16#BB, 16#BF, "[{kv, [{a, 1}]}].\n">>}]},
     {"parentheses", [{"sys.config", "([{kv, ([{a, (1)}])}]).\n"}]}, {"carriage returns", [{"sys.config", "[{kv,\r\n [{a, 1}]}].\r\n"}]},
     {"a tuple", [{"sys.config", "{kv, [{a, 1}]}.\n"}]}, {"a name that is a string", [{"sys.config", "[{\"kv\", [{a, 1}]}].\n"}]},
     {"parameters that are no list", [{"sys.config", "[{kv, a}].\n"}]}, {"a parameter that is no pair", [{"sys.config", "[{kv, [a]}].\n"}]},
     {"a key that is a string", [{"sys.config", "[{kv, [{\"a\", 1}]}].\n"}]}, {"a triple", [{"sys.config", "[{kv, [{a, 1, 2}]}].\n"}]},
     {"an improper list", [{"sys.config", "[{kv, [{a, 1}]} | x].\n"}]}, {"a map", [{"sys.config", "[{kv, #{a => 1}}].\n"}]},
     {"an atom for a file", [{"sys.config", "[more].\n"}, More]}, {"a binary for a file", [{"sys.config", "[<<\"more\">>].\n"}, More]},
     {"an empty name", [{"sys.config", "[\"\"].\n"}]},
     {"an included file", [{"sys.config", "[\"more\"].\n"}, More]}, {"its whole name", [{"sys.config", "[\"more.config\"].\n"}, More]},
     {"another suffix", [{"sys.config", "[\"more.cfg\"].\n"}, {"more.cfg", "[{b, [{x, 2}]}].\n"}]},
     {"another suffix and .config", [{"sys.config", "[\"more.cfg\"].\n"}, {"more.cfg.config", "[{b, [{x, 3}]}].\n"}]},
     {"an absolute name", [{"sys.config", "[\"@/more\"].\n"}, More]},
     {"a name in a directory below", [{"sys.config", "[\"sub/more\"].\n"}, {"sub/more.config", "[{b, [{x, 4}]}].\n"}]},
     {"a name with ./", [{"sys.config", "[\"./more\"].\n"}, More]}, {"a name with ..", [{"sys.config", "[\"sub/../more\"].\n"}, More, {"sub/x", ""}]},
     {"a name in the directory above", [{"sys.config", "[\"../root/more\"].\n"}, More]},
     {"a file that is not there", [{"sys.config", "[{kv, [{a, 1}]}, \"none\"].\n"}]},
     {"a file in the working directory", [{"sys.config", "[\"more\"].\n"}, {"work/more.config", "[{b, [{x, 5}]}].\n"}]},
     {"a file beside it and in the working directory", [{"sys.config", "[\"more\"].\n"}, More, {"work/more.config", "[{b, [{x, 5}]}].\n"}]},
     {"a directory of that name", [{"sys.config", "[\"more\"].\n"}, {"more.config/x", ""}]},
     {"a file that names itself", [{"sys.config", "[{kv, [{a, 1}]}, \"sys\"].\n"}]}, {"itself by its absolute name", [{"sys.config", "[\"@/sys\"].\n"}]},
     {"an included file that includes", [{"sys.config", "[\"more\"].\n"}, {"more.config", "[\"third\"].\n"}, {"third.config", "[{c, [{x, 1}]}].\n"}]},
     {"two files that name each other", [{"sys.config", "[\"more\"].\n"}, {"more.config", "[\"sys\"].\n"}]},
     {"a file twice", [{"sys.config", "[\"more\", \"more\"].\n"}, More]},
     {"what comes later counts", [{"sys.config", "[{b, [{x, 0}, {y, 0}]}, \"more\", {b, [{y, 2}]}].\n"}, More]},
     {"an included file counts over what is before", [{"sys.config", "[{b, [{x, 0}, {y, 0}]}, \"more\"].\n"}, More]},
     {"an included file counts less than what is behind", [{"sys.config", "[\"more\", {b, [{x, 0}]}].\n"}, More]},
     {"an included file with an application twice", [{"sys.config", "[\"more\"].\n"}, {"more.config", "[{b, [{x, 1}]}, {b, [{y, 2}]}].\n"}]},
     {"an included file with two terms", [{"sys.config", "[\"more\"].\n"}, {"more.config", "[{b, [{x, 1}]}].\n[{b, [{x, 2}]}].\n"}]},
     {"an included file that is empty", [{"sys.config", "[\"more\"].\n"}, {"more.config", ""}]},
     {"an included file with an empty list", [{"sys.config", "[{kv, [{a, 1}]}, \"more\"].\n"}, {"more.config", "[].\n"}]},
     {"an included file without a dot", [{"sys.config", "[\"more\"].\n"}, {"more.config", "[{b, [{x, 1}]}]\n"}]},
     {"an included file in latin-1", [{"sys.config", "[\"more\"].\n"}, {"more.config", <<"%% coding: latin-1\n[{b, [{x, \"", 252, "\"}]}].\n">>}]},
     {"an included file that is a tuple", [{"sys.config", "[\"more\"].\n"}, {"more.config", "{b, [{x, 1}]}.\n"}]},
     {"an included file with a key that is a string", [{"sys.config", "[\"more\"].\n"}, {"more.config", "[{b, [{\"x\", 1}]}].\n"}]}].

releases() ->
    One = "{release, \"kv\", \"1.0.0\", \"0.1.0\", [{kv, \"1.0.0\", \"lib/kv-1.0.0\"}], permanent}",
    [{"one release", ["[", One, "].\n"]}, {"no releases", "[].\n"}, {"nothing", ""}, {"no dot", ["[", One, "]\n"]}, {"a tuple", [One, ".\n"]},
     {"two terms", ["[", One, "].\n[].\n"]}, {"coding latin-1", ["%% coding: latin-1\n[", string:replace(One, "\"kv\"", [$", 252, $"]), "].\n"]},
     {"utf-8", ["%% coding: utf-8\n[", string:replace(One, "\"kv\"", [$", 195, 188, $"]), "].\n"]},
     {"parentheses", ["([(", One, ")]).\n"]},
     {"an absolute library", ["[", string:replace(One, "lib/kv", "/opt/kv"), "].\n"]},
     {"a library with ..", ["[", string:replace(One, "lib/kv", "../kv"), "].\n"]},
     {"an empty library", ["[", string:replace(One, "lib/kv-1.0.0", ""), "].\n"]},
     {"an unknown status", ["[", string:replace(One, "permanent", "running"), "].\n"]},
     {"unpacked alone", ["[", string:replace(One, "permanent", "unpacked"), "].\n"]},
     {"tmp_current", ["[", string:replace(One, "permanent", "tmp_current"), "].\n"]},
     {"a version that is an atom", ["[", string:replace(One, "\"1.0.0\", \"0.1.0\"", "v1, \"0.1.0\""), "].\n"]},
     {"a version that is a binary", ["[", string:replace(One, "\"1.0.0\", \"0.1.0\"", "<<\"1.0.0\">>, \"0.1.0\""), "].\n"]},
     {"a library that is a pair", ["[", string:replace(One, "{kv, \"1.0.0\", \"lib/kv-1.0.0\"}", "{kv, \"1.0.0\"}"), "].\n"]},
     {"a release of five elements", ["[", string:replace(One, ", permanent", ""), "].\n"]},
     {"another tuple", ["[", One, ", {other, 1}].\n"]}, {"the same version twice", ["[", One, ", ", One, "].\n"]},
     {"two permanent ones", ["[", One, ", ", string:replace(One, "\"1.0.0\", \"0", "\"2.0.0\", \"0"), "].\n"]},
     {"strings beside each other", ["[", string:replace(One, "\"1.0.0\", \"0", "\"1\" \".0.0\", \"0"), "].\n"]}].

rels() ->
    [{"a release", "{release, {\"kv\", \"1.0.0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}.\n"},
     {"nothing", ""}, {"two terms", "{release, {\"kv\", \"1.0.0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}.\nx.\n"},
     {"no dot", "{release, {\"kv\", \"1.0.0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}\n"},
     {"coding latin-1", <<"%% coding: latin-1\n{release, {\"k", 252, "\", \"1.0.0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}.\n">>},
     {"parentheses", "({release, ({\"kv\", (\"1.0.0\")}), {erts, \"0.1.0\"}, [({kernel, \"1\"}), {stdlib, \"1\"}, ({kv, \"1.0.0\"})]}).\n"},
     {"strings beside each other", "{release, {\"k\" \"v\", \"1.\"\n \"0.0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}.\n"},
     {"a name that is a path", "{release, {\"../kv\", \"1.0.0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}.\n"},
     {"an absolute name", "{release, {\"/kv\", \"1.0.0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}.\n"},
     {"a version that is a path", "{release, {\"kv\", \"1/0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}.\n"},
     {"an empty version", "{release, {\"kv\", \"\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}.\n"},
     {"a version that is an atom", "{release, {\"kv\", v1}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}.\n"},
     {"a version that is a binary", "{release, {\"kv\", <<\"1\">>}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}.\n"},
     {"types and included ones", "{release, {\"kv\", \"1.0.0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\", load}, {b, \"1\", [c]}, {c, \"1\", none, []}]}.\n"},
     {"an unknown type", "{release, {\"kv\", \"1.0.0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\", always}]}.\n"},
     {"an application twice", "{release, {\"kv\", \"1.0.0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}, {kv, \"2.0.0\"}]}.\n"},
     {"an application that is an atom", "{release, {\"kv\", \"1.0.0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, kv]}.\n"},
     {"no applications", "{release, {\"kv\", \"1.0.0\"}, {erts, \"0.1.0\"}, []}.\n"},
     {"no erts", "{release, {\"kv\", \"1.0.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}.\n"},
     {"a byte order mark", <<16#EF, 16#BB, 16#BF, "{release, {\"kv\", \"1.0.0\"}, {erts, \"0.1.0\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {kv, \"1.0.0\"}]}.\n">>}].
