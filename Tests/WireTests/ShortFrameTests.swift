import Terms
import Testing
import Wire

/// Messages without a term in between are what they are by way of one, byte for byte and mistake for mistake.
struct ShortFrameTests {
    static let refs = [0, 255, 256, 65_536, Int(Int32.max), Int(Int32.max) + 1, .max]

    static let requests =
        WorkerMessageTests.requests.map(\.0)
        + refs.flatMap { ref -> [WorkerRequest] in
            [
                .suspend(ref: ref), .resume(ref: ref), .exportState(ref: ref, change: .none),
                .exportChanges(ref: ref, change: .none),
            ]
        }
    static let answers =
        WorkerMessageTests.answers.map(\.0)
        + refs.flatMap { ref -> [WorkerAnswer] in
            [
                .ok(ref: ref), .exported(ref: ref, size: 0, descriptors: 0),
                .exported(ref: ref, size: WireLimits.maxStateBytes, descriptors: WireLimits.maxDescriptors),
                .exported(ref: ref, size: WireLimits.maxStateBytes + 1, descriptors: 0),
            ]
        }

    @Test func writtenAlike() throws {
        for request in Self.requests { #expect(try WorkerRequest.frames([request]) == Frame.encode(request.term)) }
        for answer in Self.answers { #expect(try answer.frame() == Frame.encode(answer.term)) }
        #expect(try WorkerRequest.frames(Self.requests) == Self.requests.flatMap { try Frame.encode($0.term) })
        #expect(try WorkerRequest.frames([]) == [])
    }

    @Test func tooLargeIsTooLarge() {
        let large = WorkerRequest.call(ref: 1, request: .binary([UInt8](repeating: 0, count: WireLimits.maxFrameBytes)))
        #expect(throws: WireError.self) { try WorkerRequest.frames([.suspend(ref: 0), large]) }
    }

    private func outcome<Message>(_ body: () throws(WireError) -> Message) -> Result<Message, WireError> {
        Result { () throws(WireError) in try body() }
    }

    /// Also with any one byte another, and cut short anywhere.
    @Test func readAlike() throws {
        var differences: [[UInt8]] = []
        func compare(_ payload: [UInt8]) {
            let request = outcome { () throws(WireError) in
                try payload.withUnsafeBufferPointer { (bytes) throws(WireError) in
                    try WorkerRequest(payload: UnsafeRawBufferPointer(bytes))
                }
            }
            let answer = outcome { () throws(WireError) in
                try payload.withUnsafeBufferPointer { (bytes) throws(WireError) in
                    try WorkerAnswer(payload: UnsafeRawBufferPointer(bytes))
                }
            }
            let isSame =
                request == outcome { () throws(WireError) in try WorkerRequest(try Frame.decode(payload)) }
                && answer == outcome { () throws(WireError) in try WorkerAnswer(try Frame.decode(payload)) }
            if !isSame { differences.append(payload) }
        }
        let payloads = (Self.requests.map(\.term) + Self.answers.map(\.term)).map { ExternalTermFormat.encode($0) }
        for payload in payloads {
            compare(payload)
            for end in payload.indices { compare(Array(payload[..<end])) }
            compare(payload + [106])
        }
        let short: [Term] = [
            WorkerRequest.suspend(ref: 300).term, WorkerRequest.exportChanges(ref: 3, change: .none).term,
            WorkerAnswer.ok(ref: 3).term, WorkerAnswer.exported(ref: 3, size: 9, descriptors: 1).term,
        ]
        for payload in short.map({ ExternalTermFormat.encode($0) }) {
            for index in payload.indices {
                var changed = payload
                for byte in UInt8.min...UInt8.max {
                    changed[index] = byte
                    compare(changed)
                }
            }
        }
        #expect(differences == [])
    }
}
