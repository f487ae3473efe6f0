import KeyValueCore
import Terms

/// How long the example's state takes to leave one process and to enter the next: what clients wait for in a change.
/// Compared with a dictionary of `[UInt8]`, which allocates for each key and value and hashes by SipHash.
let keys = 100_000
let rounds = 9

/// The median of some rounds, in milliseconds.
func median(_ work: () throws -> Void) rethrows -> Double {
    var times: [Double] = []
    for _ in 0..<rounds {
        let took = try ContinuousClock().measure(work)
        times.append(Double(took.components.attoseconds) / 1e15 + Double(took.components.seconds) * 1000)
    }
    return times.sorted()[rounds / 2]
}

func show(_ what: String, _ milliseconds: Double) {
    let rounded = (milliseconds * 100).rounded() / 100
    print("\(what.padded(to: 44)) \(rounded) ms")
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

/// A state's bytes, as they stand in the memfd.
func exported(_ size: Int, _ write: (inout ExternalTermWriter) -> Void) -> [UInt8] {
    var writer = ExternalTermWriter(reserving: size)
    writer.version()
    write(&writer)
    return writer.bytes
}

/// Reads the bytes, and says when they were not all that was expected.
func imported(_ bytes: [UInt8], _ read: (inout ExternalTermReader) throws -> Int) throws {
    try bytes.withUnsafeBytes { raw in
        var reader = ExternalTermReader(raw)
        try reader.version()
        let count = try read(&reader)
        precondition(count == keys, "a state of \(keys) keys came back with another count")
    }
}

var first = StoreV1()
var second = StoreV2()
for number in 0..<keys {
    first.set(Bytes("key:\(number)"), to: Bytes("value-\(number)"))
    second.set(Bytes("key:\(number)"), to: Bytes("value-\(number)"))
}
let bytesOfFirst = exported(first.exportedBytes) { first.export(into: &$0) }
let bytesOfSecond = exported(second.exportedBytes) { second.export(into: &$0) }

print("\(keys) keys, \(bytesOfFirst.count) bytes, median of \(rounds)")
show("1.0.0 exports", median { _ = exported(first.exportedBytes) { first.export(into: &$0) } })
show("2.0.0 imports, converting up", try median { try imported(bytesOfFirst) { try StoreV2(upFromV1: &$0).count } })
show(
    "2.0.0 exports, converting down",
    median { _ = exported(second.exportedBytes) { _ = second.exportDownToV1(into: &$0, now: 0) } })
show("1.0.0 imports", try median { try imported(bytesOfFirst) { try StoreV1(from: &$0).count } })
show("2.0.0 imports its own", try median { try imported(bytesOfSecond) { try StoreV2(from: &$0).count } })
show(
    "for comparison: [[UInt8]: [UInt8]] imports",
    try median {
        try imported(bytesOfFirst) { reader in
            let count = try reader.mapHeader()
            var values: [[UInt8]: [UInt8]] = [:]
            values.reserveCapacity(count)
            for _ in 0..<count {
                let key = Array(try reader.binary())
                values[key] = Array(try reader.binary())
            }
            return values.count
        }
    })
