import Instructions
import Terms
import Testing

@Suite struct ApplicationResourceTests {
    static func text(_ keys: String) -> String { "{application, kv, [{vsn,\"1.0.0\"},\n\(keys)]}." }

    static let whole = text(
        """
        {description,"Keys and values"},{id,"kv-1"},{modules,[kv_sup,kv_store]},{registered,[kv_sup]},
        {applications,[kernel,crypto]},{optional_applications,[crypto]},{included_applications,[kv_lib]},
        {env,[{port,6379},{limits,#{keys => 10}}]},{mod,{kv_sup,[one]}},{start_phases,[{init,[]},{go,1}]},
        {maxT,1000},{maxP,infinity},{runtime_dependencies,["erts-13"]},{'Licence',x}
        """)

    @Test func everyKey() throws {
        let kv = try ApplicationResource.parse(Array(Self.whole.utf8), file: "kv.app")
        #expect(kv.name == "kv")
        #expect(kv.vsn == "1.0.0")
        #expect(kv.description == "Keys and values")
        #expect(kv.id == "kv-1")
        #expect(kv.modules == ["kv_sup", "kv_store"])
        #expect(kv.registered == ["kv_sup"])
        #expect(kv.applications == ["kernel", "crypto"])
        #expect(kv.optionalApplications == ["crypto"])
        #expect(kv.includedApplications == ["kv_lib"])
        #expect(kv.env.value(of: "port") == 6379)
        #expect(kv.env.value(of: "limits") == .map([.atom("keys"): 10]))
        #expect(kv.env.value(of: "none") == nil)
        #expect(kv.mod == ApplicationModule(module: "kv_sup", arguments: .list([.atom("one")])))
        #expect(
            kv.startPhases == [
                StartPhase(phase: "init", arguments: .list([])), StartPhase(phase: "go", arguments: 1),
            ])
        #expect(kv.maxT == 1000)
        #expect(kv.maxP == nil)
        #expect(kv.otherKeys.map(\.key) == ["runtime_dependencies", "Licence"])
        #expect(try ApplicationResource.parse(Array(kv.text().utf8), file: "kv.app") == kv)
    }

    @Test func allButTheVersionMayBeLeftOut() throws {
        let kv = try ApplicationResource.parse(Array("{application,kv,[{vsn,\"1\"}]}.".utf8), file: "kv.app")
        #expect(kv == ApplicationResource(name: "kv", vsn: "1"))
    }

    @Test func whatOTPWritesForNothing() throws {
        let text = Self.text("{mod,[]},{start_phases,undefined},{maxT,infinity}")
        let kv = try ApplicationResource.parse(Array(text.utf8), file: "kv.app")
        #expect(kv == ApplicationResource(name: "kv", vsn: "1.0.0"))
    }

    @Test func configurationOverridesTheEnvironment() throws {
        let kv = try ApplicationResource.parse(Array(Self.whole.utf8), file: "kv.app")
        let overrides = [EnvironmentParameter(key: "new", value: 1), EnvironmentParameter(key: "port", value: 7000)]
        #expect(
            kv.environment(overriddenBy: overrides) == [
                EnvironmentParameter(key: "port", value: 7000),
                EnvironmentParameter(key: "limits", value: .map([.atom("keys"): 10])),
                EnvironmentParameter(key: "new", value: 1),
            ])
    }

    static let shape = "{application, Name, [{Key, Value}]}"

    static let refused: [Refused] = [
        Refused("", "f:1:1: expected \(shape), found no term"),
        Refused("{application,kv}.", "f:1:1: expected \(shape), found {application,kv}"),
        Refused("{app,kv,[]}.", "f:1:1: expected \(shape), found {app,kv,[]}"),
        Refused("{application,\"kv\",[]}.", "f:1:14: expected an application's name (an atom), found \"kv\""),
        Refused("{application,kv,x}.", "f:1:17: expected a list of {Key, Value}, found x"),
        Refused("{application,kv,[]}.", "f:1:17: expected the key vsn, found an application without it"),
        Refused(text("x"), "f:2:1: expected {Key, Value}, found x"),
        Refused(text("{1,x}"), "f:2:2: expected a key (an atom), found 1"),
        Refused(text("{vsn,\"2\"}"), "f:2:2: expected each key once, found vsn"),
        Refused("{application,kv,[{vsn,1}]}.", "f:1:23: expected a version (a string), found 1"),
        Refused(text("{description,x}"), "f:2:14: expected a description (a string), found x"),
        Refused(text("{id,x}"), "f:2:5: expected an id (a string), found x"),
        Refused(text("{modules,x}"), "f:2:10: expected a list of modules, found x"),
        Refused(text("{modules,[{x,1}]}"), "f:2:11: expected a module's name (an atom), found {x,1}"),
        Refused(text("{registered,x}"), "f:2:13: expected a list of registered names, found x"),
        Refused(text("{registered,[1]}"), "f:2:14: expected a registered name (an atom), found 1"),
        Refused(text("{applications,x}"), "f:2:15: expected a list of applications, found x"),
        Refused(text("{applications,[\"x\"]}"), "f:2:16: expected an application's name (an atom), found \"x\""),
        Refused(text("{optional_applications,x}"), "f:2:24: expected a list of applications, found x"),
        Refused(text("{included_applications,x}"), "f:2:24: expected a list of applications, found x"),
        Refused(text("{env,x}"), "f:2:6: expected a list of {Key, Value}, found x"),
        Refused(text("{env,[x]}"), "f:2:7: expected {Key, Value}, found x"),
        Refused(text("{env,[{\"x\",1}]}"), "f:2:8: expected a parameter's key (an atom), found \"x\""),
        Refused(text("{env,[{x,1},{x,2}]}"), "f:2:14: expected each key once, found x"),
        Refused(text("{mod,kv_sup}"), "f:2:6: expected {Module, Args}, found kv_sup"),
        Refused(text("{mod,{1,[]}}"), "f:2:7: expected a module's name (an atom), found 1"),
        Refused(text("{start_phases,x}"), "f:2:15: expected a list of {Phase, Args} or undefined, found x"),
        Refused(text("{start_phases,[x]}"), "f:2:16: expected {Phase, Args}, found x"),
        Refused(text("{start_phases,[{1,x}]}"), "f:2:17: expected a phase (an atom), found 1"),
        Refused(text("{maxT,0}"), "f:2:7: expected an integer above 0 or infinity, found 0"),
        Refused(text("{maxP,x}"), "f:2:7: expected an integer above 0 or infinity, found x"),
    ]

    @Test(arguments: refused)
    func refuses(_ refused: Refused) {
        #expect(refusal(refused.text, ApplicationResource.parse) == refused.error)
    }
}
