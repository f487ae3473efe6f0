import Glibc
import Terms
import WorkerKit

extension FixtureServer: ConnectionHandler {
    func receive(
        _ input: UnsafeRawBufferPointer, from connection: Connection, output: inout [UInt8]
    ) throws -> Int {
        guard let end = input.firstIndex(of: UInt8(ascii: "\n")) else { return 0 }
        let words = String(decoding: input[..<end], as: UTF8.self).split(separator: " ")
        let argument = words.count > 1 ? String(words[1]) : ""
        switch words.first {
        case "get": answer("\(fixture.count)", &output)
        case "add":
            fixture.count += Int(argument) ?? 0
            answer("\(fixture.count)", &output)
        case "vsn": answer(FixturePlace.vsn, &output)
        case "generation": answer("\(context.generation)", &output)
        case "pid": answer("\(getpid())", &output)
        case "mark":
            connection.state = .text(argument)
            answer("ok", &output)
        case "marked": answer(connection.state.asText ?? "", &output)
        case "big":
            output += [UInt8](repeating: UInt8(ascii: "x"), count: Int(argument) ?? 0)
            answer("", &output)
        case "quit":
            answer("bye", &output)
            connection.close()
        case "crash": trap()
        default: throw WorkerError("bad_line", "unknown line")
        }
        return end + 1
    }

    private func answer(_ text: String, _ output: inout [UInt8]) {
        output.append(contentsOf: text.utf8)
        output.append(UInt8(ascii: "\n"))
    }
}
