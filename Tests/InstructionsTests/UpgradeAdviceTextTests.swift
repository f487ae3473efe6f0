import Instructions
import Terms
import Testing

/// Each thing that OTP lets pass and that does not do what its author wants, in exact words and with its place.
@Suite struct UpgradeAdviceTextTests {
    private static let appup = TranslationInput.appup

    struct Case: CustomTestStringConvertible {
        let up: String
        let down: String
        let advice: [String]
        let places: [String?]

        var testDescription: String { advice.first ?? "nothing" }
    }

    /// All modules changed, `same` did not, `new` and `gone` are in one version only.
    private static func input(_ up: String, _ down: String) -> TranslationInput {
        var input = TranslationInput(up: up, down: down)
        input[TranslationInput.newApp] = TranslationInput.application("kv", "2", modules: "[a,b,same,new]")
        input["lib/kv-1/ebin/kv.app"] = TranslationInput.application("kv", "1", modules: "[a,b,same,gone]")
        for (vsn, other) in [("1", "gone.sup"), ("2", "new.so")] {
            let directory = "lib/kv-\(vsn)/ebin"
            for file in ["a", "b.so", other] { input["\(directory)/\(file)"] = vsn }
            input["\(directory)/same"] = "same"
        }
        return input
    }

    private static let upRest = "{add_module,new},{delete_module,gone}"
    private static let downRest = "{add_module,gone},{delete_module,new}"

    static let cases: [Case] = [
        Case(
            up: "{load_module,a},{load_module,b},\(upRest)", down: "{load_module,a},{load_module,b},\(downRest)",
            advice: [], places: []),
        Case(
            up: "{code_change,[{a,[]}]},{load_module,a},{load_module,b},\(upRest)",
            down: "{load_module,a},{load_module,b},\(downRest)",
            advice: [
                "code_change_not_suspended: up from 1: kv: a is not suspended where its code_change stands, so that no "
                    + "worker converts its state: suspend it before, resume it after"
            ], places: ["\(appup):3:2"]),
        Case(
            up: "", down: "{load_module,a},{load_module,b},\(downRest)",
            advice: [
                "uncovered_change: up from 1: kv: a differs between 1 and 2, but no instruction loads it: update it",
                "uncovered_change: up from 1: kv: b differs between 1 and 2, but no instruction loads it: update it",
                "uncovered_change: up from 1: kv: gone is gone in 2, but no instruction removes it: delete_module",
                "uncovered_change: up from 1: kv: new is new in 2, but no instruction loads it: add_module",
            ], places: Array(repeating: appup, count: 4)),
        Case(
            up: "{load_module,a},{load_module,b},\(upRest),\n{load_module,same}",
            down: "{load_module,a},{load_module,b},\(downRest)",
            advice: [
                "unchanged_module: up from 1: kv: same is the same in 1 and 2: leave its instruction out, or build it anew"
            ], places: ["\(appup):4:1"]),
        Case(
            up: "{load_module,b},{update,a,soft,[b]},\(upRest)", down: "{load_module,b},{update,a},\(downRest)",
            advice: [
                "reverted_dependency: down to 1: kv: b goes back to 1 while a, which depends on it, still runs the code "
                    + "of 2: name b among the dependencies of a"
            ], places: ["\(appup):5:2"]),
    ]

    @Test(arguments: cases)
    func text(_ expected: Case) throws {
        let input = Self.input(expected.up, expected.down)
        let advice = try input.translate().advice(files: input.releaseFiles.files)
        #expect(advice.map(\.description) == expected.advice)
        #expect(advice.map { $0.place?.description } == expected.places)
    }

    @Test func anotherPrivNeedsAnInstructionForAProgramThatMayReadIt() throws {
        func advice(_ up: String) throws -> [String] {
            var input = Self.input(up, "")
            input.isDown = false
            input["lib/kv-1/priv/page"] = "1"
            input["lib/kv-2/priv/page"] = "2"
            return try input.translate().advice(files: input.releaseFiles.files).map(\.description)
        }
        // `a` and `same` are programs, `b` is a library.
        #expect(try advice("{update,a},{update,same},{load_module,b},\(Self.upRest)") == [])
        #expect(
            try advice("{load_module,b},\(Self.upRest)") == [
                "uncovered_change: up from 1: kv: priv/page differs, but no instruction loads a program that may read it: "
                    + "update those of a, same that do",
                "uncovered_change: up from 1: kv: a differs between 1 and 2, but no instruction loads it: update it",
            ])
    }

    private static func uselessEntries() throws -> [UpgradeAdvice] {
        var input = TranslationInput()
        input[appup] = "{\"2\",[one,\n{one,[]},{\"1\",[]}],\n[{\"1\",[]},{\"1\"}]}.\n"
        return try input.translate().advice(files: input.releaseFiles.files)
    }

    @Test func entriesThatArePassedOver() throws {
        let advice = try Self.uselessEntries()
        let what =
            "in the .appup is passed over: make it {Vsn, Script}, where Vsn is a string, or a binary with a regular "
            + "expression"
        #expect(
            advice.map(\.description) == [
                "useless_entry: up from 1: kv: one \(what)", "useless_entry: up from 1: kv: {one,[]} \(what)",
                "useless_entry: down to 1: kv: {\"1\"} \(what)",
            ])
        #expect(
            advice.map { $0.place?.description } == [
                "\(TranslationInput.appup):1:7", "\(TranslationInput.appup):2:1", "\(TranslationInput.appup):3:11",
            ])
    }

    @Test func noneIsLeftOut() throws {
        let advice = try Self.cases.flatMap { expected in
            let input = Self.input(expected.up, expected.down)
            return try input.translate().advice(files: input.releaseFiles.files)
        }
        #expect(Set((try advice + Self.uselessEntries()).map(\.code)) == Set(UpgradeAdvice.Code.allCases))
    }
}
