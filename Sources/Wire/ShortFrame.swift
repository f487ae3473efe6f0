import Terms

/// The messages that an upgrade's pause is made of, `{Name, Ref}` and a few more, without a term in between: a term is an
/// allocation for each of its parts, and while these are on their way nobody is served.
///
/// What is read and written is the same as by way of a term, byte for byte; whatever else there is goes that way.
enum ShortFrame {
    /// A payload that is longer is no short one.
    static let maxPayloadBytes = 96

    /// Puts frames behind each other.
    struct Writer {
        private(set) var bytes: [UInt8] = []
        private var start = 0

        init(frames: Int) { bytes.reserveCapacity(64 * frames) }

        mutating func begin(_ name: StaticString, ref: Int, fieldCount: Int = 2) {
            start = bytes.count
            bytes.append(contentsOf: [0, 0, 0, 0, ExternalTag.version, ExternalTag.smallTuple, UInt8(fieldCount)])
            atom(name)
            integer(ref)
        }

        mutating func atom(_ name: StaticString) {
            bytes.append(ExternalTag.smallAtomUTF8)
            bytes.append(UInt8(name.utf8CodeUnitCount))
            name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        }

        mutating func integer(_ value: Int) {
            if let byte = UInt8(exactly: value) {
                bytes.append(ExternalTag.smallInteger)
                bytes.append(byte)
            } else if let short = Int32(exactly: value) {
                bytes.append(ExternalTag.integer)
                big(UInt32(bitPattern: short))
            } else {
                bytes.append(contentsOf: ExternalTermFormat.encode(.integer(value)).dropFirst())
            }
        }

        mutating func mapHeader(_ count: Int) {
            bytes.append(ExternalTag.map)
            big(UInt32(count))
        }

        /// The frame that was begun is whole.
        mutating func end() {
            let length = UInt32(bytes.count - start - 4)
            for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * index)) }
        }

        private mutating func big(_ value: UInt32) {
            for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
    }

    /// Looks at a payload byte for byte, without making anything of what it reads. Nil, or false, is what it does not find.
    struct Reader {
        private let bytes: UnsafeRawBufferPointer
        private var offset = 0

        /// Nil where this is no tuple of so many fields as it says.
        init?(_ payload: UnsafeRawBufferPointer) {
            guard payload.count <= maxPayloadBytes, payload.count >= 5, payload[0] == ExternalTag.version,
                payload[1] == ExternalTag.smallTuple
            else { return nil }
            bytes = payload
            fieldCount = Int(payload[2])
            offset = 3
        }

        let fieldCount: Int
        var isAtEnd: Bool { offset == bytes.count }

        /// Goes on behind the atom where it is this one, and stays where it is otherwise.
        mutating func skip(_ name: StaticString) -> Bool {
            let count = name.utf8CodeUnitCount
            guard bytes.count >= offset + 2 + count, bytes[offset] == ExternalTag.smallAtomUTF8,
                bytes[offset + 1] == UInt8(count)
            else { return false }
            for index in 0..<count where bytes[offset + 2 + index] != name.utf8Start[index] { return false }
            offset += 2 + count
            return true
        }

        /// An integer of 0 or more, of up to 31 bits.
        mutating func integer() -> Int? {
            guard offset + 2 <= bytes.count else { return nil }
            if bytes[offset] == ExternalTag.smallInteger {
                defer { offset += 2 }
                return Int(bytes[offset + 1])
            }
            guard bytes[offset] == ExternalTag.integer, offset + 5 <= bytes.count else { return nil }
            let value = Int32(bitPattern: big(at: offset + 1))
            offset += 5
            return value >= 0 ? Int(value) : nil
        }

        mutating func mapHeader(_ count: Int) -> Bool {
            guard offset + 5 <= bytes.count, bytes[offset] == ExternalTag.map, Int(big(at: offset + 1)) == count else {
                return false
            }
            offset += 5
            return true
        }

        private func big(at offset: Int) -> UInt32 {
            UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
    }
}

extension WorkerRequest {
    /// Reads a frame's payload; errors as those of `init(_ term:)`.
    public init(payload: UnsafeRawBufferPointer) throws(WireError) {
        if let short = Self.short(payload) {
            self = short
        } else {
            self = try WorkerRequest(try Frame.decode(payload))
        }
    }

    /// The bytes of the frames of all of these, one behind the other. Throws where one is over the limit.
    public static func frames(_ requests: [WorkerRequest]) throws(WireError) -> [UInt8] {
        var writer = ShortFrame.Writer(frames: requests.count)
        for (index, request) in requests.enumerated() where !request.writeShort(into: &writer) {
            return try writer.bytes + Frame.encode(request.term) + frames(Array(requests[(index + 1)...]))
        }
        return writer.bytes
    }

    private static func short(_ payload: UnsafeRawBufferPointer) -> WorkerRequest? {
        guard var reader = ShortFrame.Reader(payload) else { return nil }
        let make: (Int) -> WorkerRequest
        switch reader.fieldCount {
        case 2:
            if reader.skip("suspend") {
                make = { .suspend(ref: $0) }
            } else if reader.skip("resume") {
                make = { .resume(ref: $0) }
            } else {
                return nil
            }
        case 3:
            if reader.skip("export_changes") {
                make = { .exportChanges(ref: $0, change: .none) }
            } else if reader.skip("export_state") {
                make = { .exportState(ref: $0, change: .none) }
            } else {
                return nil
            }
        default: return nil
        }
        guard let ref = reader.integer(), reader.fieldCount == 2 || reader.skip("none"), reader.isAtEnd else {
            return nil
        }
        return make(ref)
    }

    private func writeShort(into writer: inout ShortFrame.Writer) -> Bool {
        switch self {
        case .suspend(let ref): writer.begin("suspend", ref: ref)
        case .resume(let ref): writer.begin("resume", ref: ref)
        case .exportState(let ref, .none):
            writer.begin("export_state", ref: ref, fieldCount: 3)
            writer.atom("none")
        case .exportChanges(let ref, .none):
            writer.begin("export_changes", ref: ref, fieldCount: 3)
            writer.atom("none")
        case .initialize, .call, .cast, .exportState, .importState, .exportSnapshot, .exportChanges, .endSnapshot,
            .importSnapshot, .importChanges, .getState, .replaceState, .getStatus, .getModules, .configChange,
            .loadModule,
            .deleteModule, .softPurge, .purge, .getVersions, .changeModule, .noModule,
            .terminate:
            return false
        }
        writer.end()
        return true
    }
}

extension WorkerAnswer {
    /// Reads a frame's payload; errors as those of `init(_ term:)`.
    public init(payload: UnsafeRawBufferPointer) throws(WireError) {
        if let short = Self.short(payload) {
            self = short
        } else {
            self = try WorkerAnswer(try Frame.decode(payload))
        }
    }

    /// The bytes of its frame, length first. Throws where it is over the limit.
    public func frame() throws(WireError) -> [UInt8] {
        var writer = ShortFrame.Writer(frames: 1)
        switch self {
        case .ok(let ref): writer.begin("ok", ref: ref)
        case .exported(let ref, let size, let descriptors, left: 0):
            writer.begin("exported", ref: ref, fieldCount: 3)
            // In Erlang's order of keys.
            writer.mapHeader(2)
            writer.atom("descriptors")
            writer.integer(descriptors)
            writer.atom("size")
            writer.integer(size)
        case .exported, .ack, .ignore, .error, .okValue, .reply, .log, .exit, .wantModule: return try Frame.encode(term)
        }
        writer.end()
        return writer.bytes
    }

    private static func short(_ payload: UnsafeRawBufferPointer) -> WorkerAnswer? {
        guard var reader = ShortFrame.Reader(payload) else { return nil }
        switch reader.fieldCount {
        case 2:
            guard reader.skip("ok"), let ref = reader.integer(), reader.isAtEnd else { return nil }
            return .ok(ref: ref)
        case 3:
            // The order of keys is free; another one than Erlang's takes the other way. So does a size of over 31 bits.
            guard reader.skip("exported"), let ref = reader.integer(), reader.mapHeader(2), reader.skip("descriptors"),
                let descriptors = reader.integer(), descriptors <= WireLimits.maxDescriptors, reader.skip("size"),
                let size = reader.integer(), reader.isAtEnd
            else { return nil }
            return .exported(ref: ref, size: size, descriptors: descriptors)
        default: return nil
        }
    }
}
