import Instructions
import ReleaseHandling
import Terms
import Testing

@Suite struct BuiltInFunctionTests {
    private func call(_ module: Atom, _ function: Atom, _ arguments: Term...) -> MFA {
        MFA(module: module, function: function, arguments: arguments)
    }

    /// Each is found by its own name and number of arguments, and by no other.
    @Test(arguments: BuiltInFunction.allCases) func everyOneIsFound(function: BuiltInFunction) throws {
        let parts = function.rawValue.split { ":/,".contains($0) }.map(String.init)
        let arities = parts.dropFirst(2).compactMap { Int($0) }
        #expect(!arities.isEmpty)
        for arity in 0...5 {
            let mfa = MFA(
                module: Atom(parts[0]), function: Atom(parts[1]),
                arguments: Array(repeating: .atom("a"), count: arity))
            #expect(BuiltInFunction(mfa) == (arities.contains(arity) ? function : nil))
        }
    }

    @Test func argumentsThatCanBeRight() {
        #expect(BuiltInFunction.problem(of: call("timer", "sleep", 60_000)) == nil)
        #expect(BuiltInFunction.problem(of: call("application", "start", .atom("kv"), .atom("transient"))) == nil)
        #expect(BuiltInFunction.problem(of: call("supervisor", "start_child", .atom("kv_sup"), .list([]))) == nil)
        #expect(BuiltInFunction.problem(of: call("io", "format", .string("text"))) == nil)
    }

    @Test func aStartOfAnApplicationThatIsNotKnownToBeThere() {
        let machine = machine([.pointOfNoReturn, .apply(call("application", "start", .atom("gone")))])
        #expect(machine.checkCalls(applications: nil) { _ in nil } == nil)
        #expect(machine.checkCalls(applications: ["gone"]) { _ in nil } == nil)
        #expect(machine.checkCalls(applications: ["kv"]) { _ in nil }?.index == 1)
    }
}
