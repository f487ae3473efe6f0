import KeyValueCore
import Testing

@Suite struct BytesTests {
    @Test(arguments: [0, 1, 7, 8, 15, 16, 22, 23, 24, 25, 1000])
    func keepsAnyLength(_ count: Int) {
        let array = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let bytes = Bytes(array)
        #expect(bytes.count == count)
        #expect(bytes.array == array)
        #expect(bytes == Bytes(array))
        #expect(bytes.hashValue == Bytes(array).hashValue)
        #expect(bytes != Bytes(array + [0]))
    }

    /// Zero bytes at the end are bytes like others, and are not the room that is left.
    @Test func tellsTrailingZeros() {
        #expect(Bytes([1, 0]) != Bytes([1]))
        #expect(Bytes([0]) != Bytes([]))
    }

    @Test(arguments: [
        ("0", 0), ("1", 1), ("-1", -1), ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min),
    ])
    func readsAndWritesIntegers(_ text: String, _ value: Int64) {
        #expect(Bytes(text).integer == value)
        #expect(Bytes(value).text == text)
    }

    @Test(arguments: [
        "", "-", "+1", " 1", "1 ", "01", "-0", "00", "1.0", "0x1", "9223372036854775808", "-9223372036854775809",
        "99999999999999999999", "1e3",
    ])
    func takesNothingElseForAnInteger(_ text: String) {
        #expect(Bytes(text).integer == nil)
    }
}
