import ReleaseTools
import Testing

@Suite struct ToolErrorTests {
    @Test func itSaysWhatIsWrongAndThenWhatToDo() {
        #expect("\(ToolError("a.rel: no such file"))" == "a.rel: no such file")
        #expect("\(ToolError("a.rel: no such file", advice: "Name one."))" == "a.rel: no such file\nName one.")
    }
}
