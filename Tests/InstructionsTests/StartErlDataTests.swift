import Instructions
import Terms
import Testing

@Suite struct StartErlDataTests {
    @Test(arguments: ["13.1.5 2.0.0\n", "13.1.5 2.0.0", " 13.1.5\t2.0.0 \r\n\n"])
    func reads(_ text: String) throws {
        let data = try StartErlData.parse(Array(text.utf8), file: "start_erl.data")
        #expect(data == StartErlData(ertsVsn: "13.1.5", releaseVsn: "2.0.0"))
        #expect(data.text() == "13.1.5 2.0.0\n")
    }

    static let refused: [Refused] = [
        Refused("", "f:1:1: expected \"ERTSVSN RELVSN\", found nothing"),
        Refused("13.1.5\n", "f:1:1: expected \"ERTSVSN RELVSN\", found \"13.1.5\\n\""),
        Refused("1 2 3", "f:1:1: expected \"ERTSVSN RELVSN\", found \"1 2 3\""),
        Refused(
            "13.1.5\n ../2",
            "f:2:2: expected a version (1 to 200 bytes without blanks, slashes and control characters, not \".\" or \"..\"), found \"../2\""
        ),
        Refused(
            "/x 2",
            "f:1:1: expected a version (1 to 200 bytes without blanks, slashes and control characters, not \".\" or \"..\"), found \"/x\""
        ),
    ]

    @Test(arguments: refused)
    func refuses(_ refused: Refused) {
        #expect(refusal(refused.text, StartErlData.parse) == refused.error)
    }

    @Test func bytesThatAreNoTextAreRefused() {
        #expect(throws: Self.notText) {
            try StartErlData.parse([0x31, 0x20, 0xFF], file: "f")
        }
    }

    static let notText = FileError(
        file: "f", position: SourcePosition(line: 1, column: 3),
        message:
            "expected a version (1 to 200 bytes without blanks, slashes and control characters, not \".\" or \"..\"), found \"\u{FFFD}\""
    )
}
