import Instructions
import Terms
import Testing

/// Each error and each warning of the making of a relup, in its exact words and with its place.
@Suite struct RelupErrorTextTests {
    private static let appup = TranslationInput.appup

    static let mistakes: [Mistake] = [
        Mistake("no .appup", "Could not open file \(appup)\n", at: nil) { $0[appup] = nil },
        Mistake("an .appup that can't be read", "Could not open file \(appup)\n", at: nil) {
            $0.releaseFiles.failures[appup] = "eacces"
        },
        Mistake("an empty .appup", "Could not read file \(appup)\n", at: nil) { $0[appup] = "% later\n" },
        Mistake("no term in an .appup", "Could not parse file \(appup)\n", at: "\(appup):2:2") {
            $0[appup] = "{\"2\",\n ]}.\n"
        },
        Mistake(
            "no entry", "No release upgrade script entry for kv-2 to kv-1 in file \(appup)\n", at: nil
        ) { $0[appup] = "{\"2\",[{\"1.0\",[]}],[]}.\n" },
        Mistake("no sasl", "No sasl application in release market, 1. Can not be upgraded.", at: nil) { input in
            for vsn in ["1", "2"] {
                let core = "{kernel,\"8\"},{stdlib,\"4\"}" + (vsn == "2" ? ",{sasl,\"4\"}" : "")
                input[vsn == "1" ? "base.rel" : "new.rel"] = TranslationInput.release(vsn, core)
            }
            for (name, vsn) in [("kernel", "8"), ("stdlib", "4"), ("sasl", "4")] {
                input["lib/\(name)-\(vsn)/ebin/\(name).app"] = TranslationInput.application(name, vsn)
            }
        },
        Mistake(
            "warnings as errors",
            """
            Warnings being treated as errors:
            The ERTS version changed between {"market","1"} and {"market","0"}
            {bad_vsn,{"3","2"}}
            The ERTS version changed between {"market","1"} and {"market","0"}
            {bad_vsn,{"3","2"}}

            """, at: nil
        ) { input in
            input.warningsAsErrors = true
            input[appup] = "{\"3\",[{\"1\",[]}],[{\"1\",[]}]}.\n"
            input["base.rel"] = TranslationInput.release("1", "{kv,\"1\"}", ertsVsn: "0")
        },
        Mistake(
            "no 3-tuple",
            "Syntax error in the appup file: expected {Vsn, [{UpFromVsn, Script}], [{DownToVsn, Script}]}, found "
                + "{\"2\",[]}\n", at: "\(appup):2:1"
        ) { $0[appup] = "\n{\"2\",[]}.\n" },
        Mistake(
            "no list of entries", "Syntax error in the appup file: expected a list of {Vsn, Script}, found all\n",
            at: "\(appup):1:9"
        ) {
            $0[appup] = "{\"2\",[],all}.\n"; $0.isUp = false
        },
        Mistake(
            "no script", "Syntax error in the appup file: expected a script (a list of instructions), found none\n",
            at: "\(appup):1:12"
        ) { $0[appup] = "{\"2\",[{\"1\",none}],[]}.\n" },
        Mistake(
            "no regular expression",
            "Bad regular expression <<\"1.(\">> in the appup file: regular expression \"1.(\" does not compile: missing "
                + "closing parenthesis, at byte 3\n", at: "\(appup):1:8"
        ) { $0[appup] = "{\"2\",[{<<\"1.(\">>,[]}],[]}.\n" },
    ]

    @Test(arguments: mistakes)
    func text(_ mistake: Mistake) throws {
        #expect(try mistake.check().module == "systools_relup")
    }

    static let warnings: [(warning: String, place: String?)] = [
        ("*WARNING* {bad_vsn,{\"3\",\"2\"}}\n", "\(appup):1:2"),
        ("*WARNING* The ERTS version changed between {\"market\",\"1\"} and {\"market\",\"0\"}\n", nil),
        (
            "*WARNING* Upgrade from an OTP version earlier than R15. New code should be compiled with the old emulator.\n",
            nil
        ),
    ]

    private static func given() throws -> [RelupWarning] {
        var input = TranslationInput()
        input[appup] = "{\"3\",[{\"1\",[]}],[{\"1\",[]}]}.\n"
        let core = "{kv,\"KV\"},{kernel,\"8\"},{stdlib,\"4\"},{sasl,\"SASL\"}"
        for (file, vsn, kv, sasl) in [("new.rel", "2", "2", "4"), ("base.rel", "1", "1", "2.1")] {
            let applications = core.replacing("KV", with: kv).replacing("SASL", with: sasl)
            input[file] = TranslationInput.release(vsn, applications, ertsVsn: vsn == "2" ? "1" : "0")
        }
        for (name, vsn) in [("kernel", "8"), ("stdlib", "4"), ("sasl", "4"), ("sasl", "2.1")] {
            input["lib/\(name)-\(vsn)/ebin/\(name).app"] = TranslationInput.application(name, vsn)
        }
        input["lib/sasl-4/ebin/sasl.appup"] = "{\"4\",[{\"2.1\",[]}],[{\"2.1\",[]}]}.\n"
        input.isDown = false
        return try input.translate().warnings
    }

    @Test func warningsHaveTheirTextAndPlace() throws {
        let warnings = try Self.given()
        // The last is told first, as in OTP.
        #expect(warnings.reversed().map { $0.text() } == Self.warnings.map(\.warning))
        #expect(warnings.reversed().map { $0.place?.description } == Self.warnings.map(\.place))
    }

    /// A new error does not compile here until it has a name, and has no name until it has a line above.
    @Test func noneIsLeftOut() throws {
        #expect(Set(try Self.mistakes.compactMap { Self.name(try $0.input.failure()) }) == Set(Name.allCases))
        #expect(Set(try Self.given().map(Self.name)) == Set(WarningName.allCases))
    }

    private enum Name: CaseIterable {
        case open, read, parse, noRelup, missingSasl, warnings, badlyFormatted, badVersionPattern
    }

    private enum WarningName: CaseIterable { case badVsn, ertsVsnChanged, preR15 }

    private static func name(_ error: SystoolsError) -> Name? {
        guard case .relup(let error) = error.reason else { return nil }
        return switch error {
        case .fileProblem(_, .open): .open
        case .fileProblem(_, .read): .read
        case .fileProblem(_, .parse): .parse
        case .noRelup: .noRelup
        case .missingSasl: .missingSasl
        case .warningsTreatedAsErrors: .warnings
        case .badlyFormattedAppup: .badlyFormatted
        case .badVersionPattern: .badVersionPattern
        }
    }

    private static func name(_ warning: RelupWarning) -> WarningName {
        switch warning {
        case .badVsn: .badVsn
        case .ertsVsnChanged: .ertsVsnChanged
        case .preR15EmulatorUpgrade: .preR15
        }
    }
}
