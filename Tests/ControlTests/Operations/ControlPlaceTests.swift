import Foundation
import Synchronization
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Places by their last parts, over the control interface: whatever names one, in a path or in a body.
@Suite(.timeLimit(.minutes(15))) struct ControlPlaceTests {
    @Test func everyParameterThatNamesAPlaceIsLookedUp() {
        for parameter in Operations.all.flatMap(\.parameters) {
            #expect((parameter.kind == .worker) == (parameter.name == "worker"), "\(parameter)")
            #expect((parameter.kind == .supervisor) == (parameter.name == "supervisor"), "\(parameter)")
        }
    }

    @Test func aPathAndABodyAreFilledUp() async throws {
        try await ControlFixture.run { fixture async throws in
            let state = try await fixture.request("GET", "/v1/workers/store/state")
            #expect(state.status == 200)
            #expect(state.text.contains(#""worker":"kv/kv_sup/store""#), "\(state.text)")
            let call = try await fixture.request("POST", "/v1/call", body: #"{"worker":"store","request":"x"}"#)
            #expect(call.status == 200, "\(call.text)")
            #expect(fixture.node.calls.withLock { $0.map(\.worker) } == ["kv/kv_sup/store"])
            #expect(try await fixture.request("GET", "/v1/supervisors/sup/counts").status == 200)
            // The audit log has the whole place.
            let audited = fixture.audit.withLock { $0.map { "\($0.operation) \($0.target) \($0.worker ?? "")" } }
            #expect(
                audited == ["get-state kv/kv_sup/store kv/kv_sup/store", "call kv/kv_sup/store kv/kv_sup/store"])
        }
    }

    @Test func oneThatNamesSeveralIsRefusedWithAllOfThem() async throws {
        try await ControlFixture.run { fixture async throws in
            let sentence = "2 places are called twice: kv/a/twice, kv/b/twice; name one by more of its place"
            for (method, path, body) in [
                ("GET", "/v1/workers/twice/status", nil), ("GET", "/v1/supervisors/twice/children", nil),
                ("POST", "/v1/call", #"{"worker":"twice","request":"x"}"#),
            ] {
                let answer = try await fixture.request(method, path, body: body)
                #expect(answer.status == 409)
                let error = try answer.error()
                #expect(error.code == .ambiguousPlace && error.message == sentence)
                #expect(error.details["candidates"] == "kv/a/twice\nkv/b/twice")
            }
            let run = try await fixture.releasectl("call", "twice", "x")
            #expect(run.exit == 2)
            #expect(
                run.error == """
                    releasectl: call twice: \(sentence) (ambiguous_place)
                      Nothing was changed. `releasectl tree` shows where each stands.

                    """)
        }
    }

    @Test(
        arguments: [
            ("store", "store", 0), ("store", "stroe", 2), ("store", "stor", 1), ("store", "stores", 1), ("c1", "c9", 1),
            ("store", "tsro", nil), ("a", "abcd", nil), ("", "ab", 2), (String(repeating: "a", count: 65), "a", nil),
        ] as [(String, String, Int?)])
    func distances(left: String, right: String, distance: Int?) {
        #expect(editDistance(left, right, atMost: 2) == distance)
        #expect(editDistance(right, left, atMost: 2) == distance)
    }
}
