import Foundation

/// OTP on this machine, to compare with.
enum Emulator {
    /// `nil` where there is none.
    static let own: (erts: String, applications: [String])? = {
        let names = "[kernel, stdlib, sasl]"
        let code = """
            [application:load(A) || A <- \(names)],
            [io:format("{~p, ~p}~n", [A, element(2, application:get_key(A, vsn))]) || A <- \(names)],
            io:format("~s~n", [erlang:system_info(version)]), halt().
            """
        guard let lines = run(code)?.split(separator: "\n").map(String.init), lines.count == 4 else { return nil }
        return (lines[3], Array(lines[0..<3]))
    }()

    /// Milliseconds that systools takes for the same relup.
    static func makeRelup(_ tree: ReleaseTree) -> Double? {
        let (new, base) = (withoutSuffix(tree.newRelease), withoutSuffix(tree.baseRelease))
        let code = """
            {T, {ok, _, _, _}} = timer:tc(fun() -> systools:make_relup("\(new)", ["\(base)"], ["\(base)"],
                [{path, ["\(tree.path)", filename:join(code:lib_dir(), "*/ebin")]}, silent, noexec]) end),
            io:format("~p~n", [T]), halt().
            """
        return run(code).flatMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }.map { $0 / 1000 }
    }

    private static func withoutSuffix(_ file: String) -> String { String(file.dropLast(".rel".count)) }

    private static func run(_ code: String) -> String? {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["erl", "-noshell", "-eval", code]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? String(decoding: bytes, as: UTF8.self) : nil
    }
}
