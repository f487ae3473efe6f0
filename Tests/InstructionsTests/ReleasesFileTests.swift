import Instructions
import Terms
import Testing

@Suite struct ReleasesFileTests {
    /// As OTP wrote it, but for the name, which OTP's own release has no file for.
    static let otp = """
        %% coding: utf-8
        [{release,"otp","25","13.1.5",
                  [{kernel,"8.5.3","/usr/lib/erlang/lib/kernel-8.5.3"},
                   {stdlib,"4.2","/usr/lib/erlang/lib/stdlib-4.2"},
                   {sasl,"4.2","/usr/lib/erlang/lib/sasl-4.2"}],
                  permanent}].

        """

    static func record(_ vsn: String, _ status: ReleaseStatus, erts: String = "1", kv: String) -> ReleaseRecord {
        ReleaseRecord(
            name: "kv", vsn: vsn, ertsVsn: erts,
            libraries: [
                LibraryRecord(name: "kv", vsn: kv, directory: "lib/kv-\(kv)"),
                LibraryRecord(name: "base", vsn: "1", directory: "lib/base-1"),
            ], status: status)
    }

    static let three = ReleasesFile(releases: [
        record("3", .unpacked, erts: "2", kv: "3"), record("2", .current, kv: "2"), record("1", .permanent, kv: "1"),
    ])

    static func statuses(_ file: ReleasesFile) -> [String: ReleaseStatus] {
        Dictionary(uniqueKeysWithValues: file.releases.map { ($0.vsn, $0.status) })
    }

    @Test func readsAndWritesWhatOTPDoes() throws {
        let file = try ReleasesFile.parse(Array(Self.otp.utf8), file: "RELEASES")
        let release = try #require(file.permanent)
        #expect(release.name == "otp")
        #expect(release.vsn == "25")
        #expect(release.ertsVsn == "13.1.5")
        #expect(release.library("stdlib")?.directory == "/usr/lib/erlang/lib/stdlib-4.2")
        #expect(release.library("kv") == nil)
        #expect(file.text().hasPrefix("%% coding: utf-8\n[{release,\"otp\","))
        let written = try TermText.parseTerms(Array(file.text().utf8), limits: .default).map(\.term)
        #expect(try written == TermText.parseTerms(Array(Self.otp.utf8), limits: .default).map(\.term))
    }

    @Test(arguments: ReleaseStatus.allCases)
    func statusesReadBack(_ status: ReleaseStatus) throws {
        let file = ReleasesFile(releases: [Self.record("1", status, kv: "1")])
        #expect(try ReleasesFile.parse(Array(file.text().utf8), file: "RELEASES") == file)
    }

    @Test func theRunningReleaseIsTheCurrentElseThePermanent() {
        #expect(Self.three.running?.vsn == "2")
        #expect(ReleasesFile(releases: [Self.record("1", .permanent, kv: "1")]).running?.vsn == "1")
        #expect(ReleasesFile().running == nil)
        #expect(Self.three.release("3")?.status == .unpacked)
        #expect(Self.three.release("4") == nil)
    }

    @Test func aRecordOfAReleaseFile() {
        let resource = ReleaseResource(
            name: "kv", vsn: "2", ertsVsn: "1", applications: [ReleaseApplication(name: "kv", vsn: "2.1")])
        let record = ReleaseRecord(resource, status: .unpacked)
        #expect(record.libraries == [LibraryRecord(name: "kv", vsn: "2.1", directory: "lib/kv-2.1")])
        #expect(record.status == .unpacked)
        let absolute = ReleaseRecord(resource, status: .permanent, librariesIn: "/r/lib")
        #expect(absolute.library("kv")?.directory == "/r/lib/kv-2.1")
    }

    static let changes: [(String, ReleaseStatus, [String: ReleaseStatus])] = [
        ("3", .current, ["3": .current, "2": .old, "1": .permanent]),
        ("2", .permanent, ["3": .unpacked, "2": .permanent, "1": .old]),
        // The permanent release stays so when it is gone back to.
        ("1", .current, ["3": .unpacked, "2": .old, "1": .permanent]),
        ("1", .tmpCurrent, ["3": .unpacked, "2": .current, "1": .permanent]),
        ("3", .tmpCurrent, ["3": .tmpCurrent, "2": .current, "1": .permanent]),
        ("2", .old, ["3": .unpacked, "2": .old, "1": .permanent]),
        ("2", .unpacked, ["3": .unpacked, "2": .unpacked, "1": .permanent]),
    ]

    @Test(arguments: changes)
    func statusIsSet(_ vsn: String, _ status: ReleaseStatus, _ expected: [String: ReleaseStatus]) throws {
        #expect(Self.statuses(try Self.three.settingStatus(of: vsn, to: status)) == expected)
    }

    @Test func releasesAreAddedAndRemoved() throws {
        let four = try Self.three.adding(Self.record("4", .unpacked, kv: "4"))
        #expect(four.releases.map(\.vsn) == ["4", "3", "2", "1"])
        #expect(try four.removing("3").releases.map(\.vsn) == ["4", "2", "1"])
    }

    @Test func refusedChangesSayWhatToDo() {
        #expect(
            Self.change { (file) throws(ReleasesFileError) in try file.settingStatus(of: "9", to: .current) }
                == "there is no release \"9\": see which-releases for those there are")
        #expect(
            Self.change { (file) throws(ReleasesFileError) in try file.removing("9") }
                == "there is no release \"9\": see which-releases for those there are")
        #expect(
            Self.change { (file) throws(ReleasesFileError) in try file.adding(Self.record("2", .unpacked, kv: "2")) }
                == "release \"2\" is there already: remove it before it is unpacked again")
        #expect(
            Self.change { (file) throws(ReleasesFileError) in try file.removing("1") }
                == "release \"1\" is permanent: make another one permanent before this one is removed")
        #expect(
            Self.change { (file) throws(ReleasesFileError) in try file.removing("2") }
                == "release \"2\" is running: install another one before this one is removed")
    }

    static func change(_ change: (ReleasesFile) throws(ReleasesFileError) -> ReleasesFile) -> String? {
        do throws(ReleasesFileError) {
            _ = try change(three)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func currentIsNeverWrittenToDisk() {
        #expect(Self.statuses(Self.three.persistent) == ["3": .unpacked, "2": .unpacked, "1": .permanent])
    }

    static func text(_ libraries: String, _ status: String) -> String {
        "[{release,\"kv\",\"1\",\"1\",[\(libraries)],\(status)}]."
    }

    static let shape = "{release, Name, Vsn, ErtsVsn, [{Lib, LibVsn, LibDir}], Status}"

    static let refused: [Refused] = [
        Refused("", "f:1:1: expected a list of releases, found no term"),
        Refused("kv.", "f:1:1: expected a list of releases, found kv"),
        Refused("[kv].", "f:1:2: expected \(shape), found kv"),
        Refused("[{r,\"kv\",\"1\",\"1\",[],old}].", "f:1:2: expected \(shape), found {r,\"kv\",\"1\",\"1\",[],old}"),
        Refused("[{release,kv,\"1\",\"1\",[],old}].", "f:1:11: expected a release's name (a string), found kv"),
        Refused("[{release,\"kv\",1,\"1\",[],old}].", "f:1:16: expected a version (a string), found 1"),
        Refused("[{release,\"kv\",\"1\",1,[],old}].", "f:1:20: expected a version (a string), found 1"),
        Refused("[{release,\"kv\",\"1\",\"1\",x,old}].", "f:1:24: expected a list of {Lib, LibVsn, LibDir}, found x"),
        Refused(text("{kv,\"1\"}", "old"), "f:1:25: expected {Lib, LibVsn, LibDir}, found {kv,\"1\"}"),
        Refused(text("{1,\"1\",\"d\"}", "old"), "f:1:26: expected an application's name (an atom), found 1"),
        Refused(text("{kv,1,\"d\"}", "old"), "f:1:29: expected a version (a string), found 1"),
        Refused(text("{kv,\"1\",d}", "old"), "f:1:33: expected a directory (a string), found d"),
        Refused(text("{kv,\"1\",\"\"}", "old"), "f:1:33: expected a directory that is not empty, found []"),
        Refused(
            text("", "new"),
            "f:1:27: expected a status (unpacked, current, permanent, old or tmp_current), found new"),
        Refused(
            "[{release,\"kv\",\"1\",\"1\",[],old},\n{release,\"kv\",\"1\",\"2\",[],old}].",
            "f:2:1: expected each release once, found a second \"1\""),
        Refused(
            "[{release,\"kv\",\"1\",\"1\",[],permanent},\n{release,\"kv\",\"2\",\"1\",[],permanent}].",
            "f:2:1: expected one permanent release, found a second, \"2\""),
    ]

    @Test(arguments: refused)
    func refuses(_ refused: Refused) {
        #expect(refusal(refused.text, ReleasesFile.parse) == refused.error)
    }
}
