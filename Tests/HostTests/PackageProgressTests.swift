import Synchronization
import Testing
import Wire

@testable import Host
@testable import TestSupport

/// How far the unpacking of a package is.
@Suite struct PackageProgressTests {
    @Test func `what was read of it only grows, in each of its two passes`() throws {
        let directory = TemporaryDirectory()
        var tar = TarBuilder()
        tar.add("releases/kv.rel", .file, "rel")
        // What can't be compressed, so that the package is about as long as what is in it.
        var state: UInt64 = 7
        for index in 0..<20 {
            var text = ""
            for _ in 0..<20_000 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text.unicodeScalars.append(Unicode.Scalar(UInt8(33 + (state >> 33) % 90)))
            }
            tar.add("lib/kv-2.0.0/priv/\(index)", .file, text)
        }
        let package = tar.gzip
        try directory.write("kv-2.0.0.tar.gz", package)
        let told = Mutex<[WorkStep]>([])
        let staged = try ReleaseArchive.stage(
            directory.file("kv-2.0.0.tar.gz"), under: directory.file("root"),
            tell: { step in told.withLock { $0.append(step) } })
        staged.discard()
        let steps = told.withLock { $0 }
        for text in ["reading the package", "unpacking"] {
            let pass = steps.filter { $0.text == text }
            #expect(pass.count > 3 && pass.count <= 101, "\(pass.count)")
            #expect(pass.allSatisfy { $0.total == package.count && $0.unit == .bytes })
            let done = pass.compactMap(\.done)
            #expect(
                done == done.sorted() && Set(done).count == done.count && done.last.map { $0 <= package.count } == true)
            #expect((done.last ?? 0) > package.count * 9 / 10, "\(done.last ?? 0) of \(package.count)")
        }
        #expect(steps.map(\.text).last == "writing it to the disk")
    }
}
