import Glibc
import Host
import Instructions

/// This version of the daemon, what `erts-VSN` holds, and where others are.
public enum Emulator {
    public static let vsn: String = {
        #if DEBUG
        // Two versions are needed to test the change from one to the other: each of this build is what the directory says that it is
        // executed from.
        let parts = ProcessFiles.executable()?.split(separator: "/").suffix(3).map(String.init) ?? []
        if parts.count == 3, parts[1] == "bin", parts[0].hasPrefix("erts-") { return String(parts[0].dropFirst(5)) }
        #endif
        return "0.1.0"
    }()

    /// Where this one was executed from, as the service manager would do it again: what another one lies there by now counts.
    static var own: EmulatorProgram? {
        ProcessFiles.executable().map { EmulatorProgram(vsn: vsn, path: ProcessFiles.withoutDeletedMark($0)) }
    }

    /// The program of that version; nil where there is none.
    static func program(of vsn: String, in root: ReleaseRoot) -> String? {
        let path = root.emulatorProgram(vsn)
        if access(path, X_OK) == 0 { return path }
        if vsn == Self.vsn { return own?.path }
        return started?.vsn == vsn ? started?.path : nil
    }

    // MARK: The one that was started

    private static let pathVariable = "RELEASE_HANDLER_STARTED"
    private static let vsnVariable = "RELEASE_HANDLER_STARTED_ERTS"

    /// The one that whoever started the daemon has executed, where it has executed this one.
    static var started: EmulatorProgram? {
        guard let path = getenv(pathVariable), let vsn = getenv(vsnVariable) else { return nil }
        return EmulatorProgram(vsn: String(cString: vsn), path: String(cString: path))
    }

    /// For the environment of the next one: which program starts it all.
    static var startedVariables: [String: String?] {
        guard let first = started ?? own else { return [:] }
        return [pathVariable: first.path, vsnVariable: first.vsn]
    }
}

extension ReleaseRoot {
    func emulatorProgram(_ vsn: String) -> String { resolve(EmulatorFiles.path(of: vsn)) }
}
