import Supervision
import Terms
import Testing

/// OTP's application controller and ours, operation by operation.
@Suite struct ApplicationSequenceTests {
    @Test func allSequencesAreThere() {
        #expect(ApplicationSequence.names.count >= 40)
    }

    @Test(arguments: ApplicationSequence.names)
    func plays(_ name: String) throws {
        let sequence = try ApplicationSequence(named: name)
        if let first = sequence.steps.first?.reply.asTuple, first.first == .atom("refused") {
            #expect(throws: ApplicationOrderError.self) { try ApplicationWorld(sequence) }
            return
        }
        var world = try ApplicationWorld(sequence)
        for (index, step) in sequence.steps.enumerated() {
            let place = Comment(rawValue: "step \(index + 1): \(Term.tuple(step.operation))")
            try world.perform(step.operation)
            #expect(world.events == Self.events(of: step), place)
            if isComparable(step, world) { #expect(world.reply == Self.ours(step.reply), place) }
            if case .tuple(let end) = step.running {
                #expect(world.nodeEnds == (Self.endsOnlyOTP(step) ? nil : Self.ours(end[1])), place)
                #expect(Self.endsOnlyOTP(step) || world.controller.running.isEmpty, place)
                return
            }
            try #require(world.nodeEnds == nil, place)
            #expect(.list(world.controller.running.reversed().map { .atom($0) }) == step.running, place)
            let loaded = world.controller.loaded.sorted { $0.name < $1.name }
            #expect(loaded.map { .atom($0) } == step.loaded, place)
        }
    }

    /// Where only OTP's node ends, nothing is stopped here.
    private static func events(of step: ApplicationSequence.Step) -> [Term] {
        guard endsOnlyOTP(step) else { return step.events }
        return step.events.filter { $0.asTuple?.first != .atom("stopping") }
    }

    /// A start that is asked for by name and fails ends OTP's node where the application is permanent or transient; here
    /// it never does.
    private static func endsOnlyOTP(_ step: ApplicationSequence.Step) -> Bool {
        step.operation[0] != .atom("boot")
            && step.running.asTuple?.last?.asTuple?.first == .atom("application_start_failure")
    }

    private func isComparable(_ step: ApplicationSequence.Step, _ world: ApplicationWorld) -> Bool {
        switch step.operation[0] {
        case .atom("get_env"), .atom("get_all_env"): world.comparesEnvironment(of: step.operation[1].asAtom ?? "")
        case .atom("boot"): step.running.asTuple == nil
        default: true
        }
    }

    /// `{bad_return, {Function, {'EXIT', Reason}}}` of a start function that exits: the function of a supervisor can only
    /// fail, which is `{Reason, Function}`.
    private static func ours(_ reply: Term) -> Term {
        guard case .tuple(let parts) = reply else { return reply }
        if parts.count == 2, parts[0] == .atom("bad_return"), let inner = parts[1].asTuple, inner.count == 2,
            let exit = inner[1].asTuple, exit.first == .atom("EXIT")
        {
            return .tuple([exit[1], inner[0]])
        }
        return .tuple(parts.map(ours))
    }
}
