import Testing

@testable import ReleaseHandlerD

/// Where a request ends, however its bytes come.
@Suite struct RequestBoundaryTests {
    private static let question = "GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n"
    private static let change = "POST /v1/call HTTP/1.1\r\nHost: x\r\nContent-Length:  5 \r\n\r\n12345"

    @Test(arguments: [question, change]) func itEndsWhereItEnds(request: String) {
        let bytes = Array(request.utf8)
        for split in 1..<bytes.count {
            var boundary = RequestBoundary()
            let first = boundary.take(bytes[..<split])
            #expect(first?.count == split && first?.isWhole == false, "\(split)")
            // What comes behind it is the next one's.
            let second = boundary.take(bytes[split...] + Array(Self.question.utf8))
            #expect(second?.count == bytes.count - split && second?.isWhole == true, "\(split)")
        }
        var whole = RequestBoundary()
        let taken = whole.take(bytes + bytes)
        #expect(taken?.count == bytes.count && taken?.isWhole == true)
    }

    @Test func byteByByte() {
        var boundary = RequestBoundary()
        let bytes = Array(Self.change.utf8)
        for (index, byte) in bytes.enumerated() {
            let taken = boundary.take([byte])
            #expect(taken?.count == 1 && taken?.isWhole == (index == bytes.count - 1), "\(index)")
        }
    }

    /// Nobody can say where the next one begins.
    @Test(arguments: [
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", "POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
    ])
    func oneOfUnknownLength(head: String) {
        var boundary = RequestBoundary()
        #expect(boundary.take(Array(head.utf8)) == nil)
        #expect(boundary.take(Array(Self.question.utf8)) == nil, "from then on")
    }

    @Test func aHeadWithoutEnd() {
        var boundary = RequestBoundary()
        let part = [UInt8](repeating: 0x61, count: RequestBoundary.headLimit / 2)
        #expect(boundary.take(part) != nil)
        #expect(boundary.take(part) != nil)
        #expect(boundary.take([0x61]) == nil)
    }
}
