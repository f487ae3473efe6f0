import Foundation
import Glibc
import Testing
import Synchronization

/// The file of a program that a test is going to run, under another name.
enum ProgramFile {
    /// A link where that can be, else a copy: a temporary directory may be a file system of its own.
    ///
    /// A program of its own copies. Were the file open for writing here, a process that another test forks meanwhile would
    /// hold it open too, and nobody could execute it (ETXTBSY).
    static func put(_ source: String, at destination: String) throws {
        if link(source, destination) == 0 { return }
        guard errno == EXDEV else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        try Spawned.run("/bin/cp", [source, destination])
    }

    /// Copies a directory, for the same reason.
    static func putTree(_ source: String, at destination: String) throws {
        try Spawned.run("/bin/cp", ["-rp", source, destination])
    }
}
