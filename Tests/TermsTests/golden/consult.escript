#!/usr/bin/env escript
%% -*- erlang -*-
%% What file:consult/1 answers for odd files: prints consult.tsv. See README.md.
-mode(compile).

main(_) ->
    File = "/tmp/consult-" ++ os:getpid(),
    lists:foreach(
      fun({Name, Bytes}) ->
              ok = file:write_file(File, Bytes),
              Answer = case catch file:consult(File) of
                           {ok, Terms} -> "ok " ++ hex(term_to_binary(Terms, [{minor_version, 2}]));
                           {error, {Line, Module, Reason}} ->
                               "error " ++ io_lib:format("~p: ~ts", [Line, text(Module, Reason)]);
                           {error, Reason} -> "error " ++ io_lib:format("~p", [Reason]);
                           {'EXIT', Reason} -> "error " ++ io_lib:format("~P", [Reason, 8])
                       end,
              Flat = re:replace(unicode:characters_to_binary(Answer), "\\s+", " ", [global]),
              io:put_chars([Name, "\t", hex(iolist_to_binary(Bytes)), "\t", Flat, "\n"])
      end, cases()),
    file:delete(File).

text(Module, Reason) ->
    try Module:format_error(Reason) catch _:_ -> io_lib:format("~p", [Reason]) end.

hex(Bytes) -> [io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= Bytes].

cases() ->
    encodings() ++ [{Name, unicode:characters_to_binary(Text)} || {Name, Text} <- texts()].

%% Bytes as they are.
encodings() ->
    [{"utf-8", <<"{a, \"gr", 195, 188, "n\"}.\n">>},
     {"latin-1 without a word", <<"{a, \"gr", 252, "n\"}.\n">>},
     {"latin-1 in a comment without a word", <<"% gr", 252, "n\n{a, 1}.\n">>},
     {"coding latin-1", <<"%% coding: latin-1\n{a, \"gr", 252, "n\"}.\n">>},
     {"coding latin-1, as Emacs writes it", <<"%% -*- coding: latin-1 -*-\n{a, \"gr", 252, "n\"}.\n">>},
     {"coding latin-1 in upper case", <<"%% CODING: LATIN-1\n{a, \"", 252, "\"}.\n">>},
     {"coding with capitals in the name", <<"%% coding: Latin-1\n{a, \"", 252, "\"}.\n">>},
     {"coding=latin-1", <<"%% coding=latin-1\n{a, \"", 252, "\"}.\n">>},
     {"coding latin1, which is no name of it", <<"%% coding: latin1\n{a, \"", 252, "\"}.\n">>},
     {"coding iso-8859-1", <<"%% coding: iso-8859-1\n{a, \"", 252, "\"}.\n">>},
     {"coding in the second line", <<"%% a file\n%% coding: latin-1\n{a, \"", 252, "\"}.\n">>},
     {"coding in the third line", <<"%% a\n%% b\n%% coding: latin-1\n{a, \"", 252, "\"}.\n">>},
     {"coding behind an empty line", <<"\n%% coding: latin-1\n{a, \"", 252, "\"}.\n">>},
     {"coding behind a term", <<"{a, \"", 252, "\"}. %% coding: latin-1\n">>},
     {"coding in the second line behind a term", <<"{b, 1}.\n%% coding: latin-1\n{a, \"", 252, "\"}.\n">>},
     {"coding without percent signs", <<"coding: latin-1\n{a, \"", 252, "\"}.\n">>},
     {"coding latin-1 and utf-8 bytes", <<"%% coding: latin-1\n{a, \"", 195, 188, "\"}.\n">>},
     {"coding latin-1 and an atom", <<"%% coding: latin-1\n{gr", 252, "n, 1}.\n">>},
     {"coding latin-1 and a binary", <<"%% coding: latin-1\n<<\"", 252, "\">>.\n">>},
     {"coding latin-1 and a utf8 binary", <<"%% coding: latin-1\n<<\"", 252, "\"/utf8>>.\n">>},
     {"coding utf-8", <<"%% coding: utf-8\n{a, \"", 195, 188, "\"}.\n">>},
     {"coding utf-8 and latin-1 bytes", <<"%% coding: utf-8\n{a, \"", 252, "\"}.\n">>},
     {"coding utf-8 in words", <<"%% its encoding: utf-8, coding: utf-8\n{a, \"", 195, 188, "\"}.\n">>},
     {"encoding: latin-1", <<"%% encoding: latin-1\n{a, \"", 252, "\"}.\n">>},
     {"fileencoding=latin-1, as vim writes it", <<"%% vim: set fileencoding=latin-1 :\n{a, \"", 252, "\"}.\n">>},
     {"two codings", <<"%% coding: utf-8 coding: latin-1\n{a, \"", 252, "\"}.\n">>},
     {"a byte order mark", <<16#EF, 16#BB, 16#BF, "{a, 1}.\n">>},
     {"a byte order mark before a comment", <<16#EF, 16#BB, 16#BF, "%% coding: utf-8\n{a, 1}.\n">>},
     {"a byte order mark behind a term", <<"{a, 1}.\n", 16#EF, 16#BB, 16#BF, "{b, 2}.\n">>},
     {"utf-16", <<16#FF, 16#FE, "{", 0, "a", 0, "}", 0, ".", 0>>},
     {"overlong utf-8", <<"\"", 16#C0, 16#80, "\".\n">>},
     {"a surrogate in utf-8", <<"\"", 16#ED, 16#A0, 16#80, "\".\n">>},
     {"beyond Unicode", <<"\"", 16#F4, 16#90, 16#80, 16#80, "\".\n">>},
     {"a cut off character at the end", <<"a.\n%", 195>>},
     {"U+FFFE", <<"\"", 16#EF, 16#BF, 16#BE, "\".\n">>},
     {"a NUL between terms", <<"a.", 0, "b.\n">>},
     {"a NUL in a string", <<"\"a", 0, "b\".\n">>},
     {"carriage returns", <<"a.\r\n{b,\r\n 1}.\r\n">>},
     {"carriage returns alone", <<"a.\rb.\r">>},
     {"a form feed", <<"a.\fb.\f">>},
     {"a no-break space", <<"{a,", 194, 160, "1}.\n">>},
     {"a no-break space behind the dot", <<"a.", 194, 160, "b.\n">>},
     {"a line separator U+2028", <<"{a,", 16#E2, 16#80, 16#A8, "1}.\n">>},
     {"a next line U+0085", <<"{a,", 194, 133, "1}.\n">>},
     {"a DEL", <<"{a,", 127, "1}.\n">>}].

texts() ->
    Deep = 2000,
    [{"nothing", ""}, {"blanks", " \n\t\n"}, {"a comment alone", "%% nothing\n"}, {"a comment without a newline", "a. % end"},
     {"no dot", "{a, 1}\n"}, {"no dot behind the second", "a.\n{b, 1}\n"}, {"a dot alone", ".\n"}, {"two dots", "a..\n"},
     {"a dot at the very end", "a."}, {"a dot and a comment", "a.%b\nc.\n"}, {"a space before the dot", "a .\n"},
     {"two terms in a line", "a. b. c.\n"}, {"two terms without a space", "a.b.\n"}, {"a number and a dot", "1.\n"},
     {"two numbers without a space", "1.2.\n"}, {"a number, a dot, a term", "1. a.\n"}, {"a missing comma", "{a 1}.\n"},
     {"a comma too many", "{a, 1,}.\n"}, {"a comma in a list", "[a,].\n"}, {"a comma first", "[,a].\n"},
     {"an open tuple", "{a, {b, 1}.\n"}, {"a closed list too many", "[a]].\n"}, {"crossed brackets", "[{a]}.\n"},
     {"an open string", "\"abc.\n"}, {"an open atom", "'abc.\n"},
     %% Atoms
     {"atoms", "[a, aB, a_b, a@b, a1, 'A', '', 'a b', 'a\\'b', 'a\"b', 'a\\nb'].\n"},
     {"an atom with a dot", "a.b@c.\n"}, {"an atom with a dash", "a-b.\n"}, {"a variable", "{A, 1}.\n"}, {"an underscore", "_.\n"},
     {"reserved words", "[after].\n"}, {"a quoted reserved word", "['after', 'fun'].\n"}, {"maybe", "[maybe, else].\n"},
     {"dotted atom", "[.a].\n"},
     {"latin-1 atoms", "[é, äöü, ÿ, 'Äöü'].\n"}, {"an atom that begins with a capital", "Äöü.\n"},
     {"a Greek atom", "λ.\n"}, {"a quoted Greek atom", "'λ'.\n"}, {"an emoji atom", "'\x{1F600}'.\n"}, {"Greek inside an atom", "aλ.\n"},
     {"255 characters", ["'", lists:duplicate(255, $a), "'.\n"]}, {"256 characters", ["'", lists:duplicate(256, $a), "'.\n"]},
     {"255 wide characters", ["'", lists:duplicate(255, 16#3BB), "'.\n"]}, {"atoms beside each other", "'a' 'b'.\n"},
     %% Characters and escapes
     {"characters", "[$a, $A, $\\n, $\\s, $\\t, $\\e, $\\d, $\\b, $\\f, $\\v, $\\r, $\\0, $\\\\, $', $\", $\\', $\\\"].\n"},
     {"a space as a character", "[$ , 1].\n"}, {"a newline as a character", "[$\n, 1].\n"}, {"a wide character", "[$λ, $\x{1F600}].\n"},
     {"octal", "[$\\7, $\\12, $\\101, $\\1234].\n"}, {"octal beyond a byte", "[$\\777].\n"}, {"hexadecimal", "[$\\x41, $\\x{41}, $\\x{1F600}].\n"},
     {"hexadecimal of one digit", "$\\x4.\n"}, {"hexadecimal without digits", "$\\x{}.\n"}, {"hexadecimal, not closed", "\"\\x{41\".\n"},
     {"hexadecimal beyond Unicode", "\"\\x{110000}\".\n"}, {"the last character", "\"\\x{10FFFF}\".\n"},
     {"a surrogate", "\"\\x{D800}\".\n"}, {"U+FFFE by hexadecimal", "\"\\x{FFFE}\".\n"},
     {"hexadecimal with many zeros", "\"\\x{00000000000041}\".\n"},
     {"control characters", "[$\\^a, $\\^A, $\\^@, $\\^[, $\\^], $\\^_, $\\^\\].\n"}, {"control of ?", "[$\\^?].\n"}, {"control of a digit", "[$\\^1].\n"},
     {"control of a brace", "[$\\^{].\n"}, {"control of a back quote", "[$\\^`].\n"}, {"control of a blank", "[$\\^ ].\n"},
     {"other escapes", "\"\\a\\c\\q\\\"\\'\\%\\.\".\n"}, {"an escaped newline", "\"a\\\nb\".\n"}, {"a newline in a string", "\"a\nb\".\n"},
     {"an escaped wide character", "\"\\λ\".\n"}, {"a dollar at the end", "$"}, {"a character before the dot", "$..\n"}, {"a backslash at the end", "\"\\"},
     %% Strings
     {"strings beside each other", "\"a\" \"b\".\n"}, {"strings on lines", "{\"a\"\n \"b\"\n %% comment\n \"c\"}.\n"}, {"strings without a space", "\"a\"\"b\".\n"},
     {"an empty string", "\"\".\n"}, {"three quotes", "\"\"\"a\"\"\".\n"}, {"triple quotes", "\"\"\"\na\n\"\"\".\n"},
     {"four quotes", "\"\"\"\".\n"}, {"a string with a tab", "\"a\tb\".\n"}, {"strings put together", "\"a\" ++ \"b\".\n"},
     {"a sigil", "~\"a\".\n"}, {"a back quote", "`a`.\n"},
     %% Numbers
     {"integers", "[0, 00, 007, 1_000, 1_0_0, -1, +1, - 1, -0].\n"}, {"two signs", "- -1.\n"}, {"a sign of an atom", "-a.\n"},
     {"a sign of a character", "[-$a, +$a].\n"}, {"two underscores", "1__0.\n"}, {"an underscore at the end", "1_.\n"}, {"an underscore first", "_1.\n"},
     {"bases", "[2#101, 16#FF, 16#ff, 16#Ff, 36#Zz, 8#17, -16#FF].\n"}, {"an underscore in a base", "[16#ff_ff, 1_6#ff].\n"},
     {"base 1", "1#0.\n"}, {"base 37", "37#0.\n"}, {"base 0", "0#0.\n"}, {"a digit beyond the base", "2#102.\n"}, {"a base without digits", "16#.\n"},
     {"a base with a space", "16# ff.\n"}, {"a letter behind a number", "12ab.\n"}, {"an atom behind a base", "10#12ab.\n"},
     {"a large integer", "123456789012345678901234567890.\n"}, {"a large negative integer", "-16#FFFFFFFFFFFFFFFFFFFF.\n"},
     {"floats", "[1.0, 0.1, -1.5, 1.0e5, 1.0E5, 1.0e+5, 1.0e-5, 1_0.0_1, 1.0e1_0, +1.5, -0.0].\n"},
     {"a float without digits", "[1.e5].\n"}, {"a float without a whole part", "[.5].\n"}, {"an exponent without a dot", "[1e5].\n"},
     {"an exponent without digits", "[1.0e].\n"}, {"an exponent with a sign only", "[1.0e-].\n"}, {"a float that is too large", "[1.0e400].\n"}, {"a float that is too small", "[1.0e-400].\n"},
     {"a denormal float", "[4.9e-324].\n"}, {"a float with two dots", "[1.2.3].\n"}, {"an exponent with an underscore first", "[1.0e_5].\n"},
     {"a base of a float", "[16#1.8].\n"}, {"not a number", "[nan, inf].\n"},
     %% Lists, tuples, maps
     {"lists", "[[], [a|b], [a|[b]], [a, b|[]], [[[]]]].\n"}, {"a tail first", "[|a].\n"}, {"two tails", "[a|b|c].\n"}, {"a tail and a comma", "[a|b, c].\n"},
     {"tuples", "[{}, {a}, {{}}].\n"}, {"maps", "[#{}, #{a => 1}, #{1 => #{}, \"k\" => v}].\n"}, {"a key twice", "#{a => 1, a => 2}.\n"},
     {"a key that is 1 and 1.0", "#{1 => a, 1.0 => b}.\n"}, {"a map's update", "#{a := 1}.\n"}, {"a map without a value", "#{a}.\n"}, {"a map with a space", "# {a => 1}.\n"},
     {"a record", "#r{a = 1}.\n"}, {"a comprehension", "[X || X <- [1]].\n"},
     {"parentheses", "[(a), ({b, (1)}), ((c))].\n"}, {"parentheses around nothing", "().\n"}, {"parentheses that are open", "(a.\n"},
     {"an addition", "1 + 2.\n"}, {"a negative in parentheses", "-(1).\n"}, {"lists put together", "[1] ++ [2].\n"}, {"a call", "f(1).\n"}, {"a macro", "?X.\n"}, {"a remote name", "a:b.\n"},
     {"a fun", "[fun lists:map/2, fun 'a b':'c d'/0].\n"}, {"a local fun", "fun f/1.\n"}, {"a fun with a large arity", "fun a:b/256.\n"}, {"a fun of blanks", "fun  a : b / 1.\n"},
     {"a block", "begin a end.\n"}, {"a match", "a = b.\n"}, {"a pid", "<0.1.0>.\n"},
     {"deep lists", [lists:duplicate(Deep, $[), lists:duplicate(Deep, $]), ".\n"]},
     {"deep tuples", [lists:duplicate(200, "{a, "), "b", lists:duplicate(200, $}), ".\n"]},
     %% Binaries
     {"binaries", "[<<>>, << >>, <<1>>, <<1, 2>>, <<\"abc\">>, <<\"abc\", 0>>, <<\"a\", \"b\">>, <<$a>>].\n"},
     {"strings beside each other in a binary", "<<\"a\" \"b\">>.\n"},
     {"a wide character in a binary", "<<\"λ\">>.\n"}, {"utf8", "<<\"λ\"/utf8, 955/utf8>>.\n"}, {"utf16 and utf32", "<<\"λ\"/utf16, \"λ\"/utf16-little, \"λ\"/utf32>>.\n"},
     {"an emoji in utf16", "<<16#1F600/utf16>>.\n"}, {"utf8 of a surrogate", "<<16#D800/utf8>>.\n"},
     {"sizes", "[<<1:1>>, <<1:16>>, <<1:16/little>>, <<-1:8>>, <<-1:16>>, <<256>>, <<1:0>>, <<5:3, 1:5>>].\n"},
     {"signed and unsigned", "<<-1:8/signed, 255:8/unsigned, 1:16/big-signed-integer>>.\n"}, {"native", "<<1:16/native>>.\n"},
     {"units", "<<1:2/unit:8, 1/integer-unit:16>>.\n"}, {"a unit without a size", "<<1/unit:8>>.\n"},
     {"a float segment", "[<<1.5/float>>, <<1.5:32/float>>, <<1:64/float>>, <<1.5:16/float>>].\n"}, {"a float without a type", "<<1.5>>.\n"},
     {"a float of 8 bits", "<<1.5:8/float>>.\n"},
     {"strings with sizes", "<<\"ab\":16, \"ab\":4, \"ab\":16/little>>.\n"}, {"a binary within", "<<(<<1, 2>>)/binary, 3>>.\n"}, {"a binary within without parentheses", "<<<<1, 2>>/binary, 3>>.\n"},
     {"a binary within with a size", "<<(<<1, 2, 3>>):2/binary>>.\n"}, {"bits within", "<<(<<1:3>>)/bits, 1:5>>.\n"}, {"a binary within without a type", "<<(<<1>>)>>.\n"},
     {"a string as binary", "<<\"ab\"/binary>>.\n"}, {"a segment in parentheses", "<<(1), (\"ab\"), (-1)>>.\n"}, {"a size in parentheses", "<<1:(16)>>.\n"},
     {"an atom in a binary", "<<a>>.\n"}, {"a negative size", "<<1:-1>>.\n"}, {"an unknown type", "<<1/word>>.\n"}, {"two types", "<<1/integer-float>>.\n"},
     {"a tight binary", "{a,<<1>>}.\n"}, {"equals before a binary", "#{a=><<1>>}.\n"}, {"a comma at a binary's end", "<<1,>>.\n"}, {"an open binary", "<<1, 2.\n"},
     {"a size of a binary in base 16", "<<1:16#10>>.\n"}, {"a large number in a byte", "<<16#1FF>>.\n"},
     {"percent in a string", "\"a % b\". % c\n"}, {"percent in an atom", "'a%b'.\n"}, {"dollar percent", "[$%, 1].\n"}].
