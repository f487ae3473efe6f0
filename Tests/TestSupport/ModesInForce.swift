import Glibc

/// What `body` comes to where modes count for the tests' user, root too: without the capabilities to read and write whatever they say.
///
/// They are this thread's own, so that `body` leaves nothing to another one. Source: capabilities(7), capset(2).
func withModesInForce<Value>(_ body: () throws -> Value) rethrows -> Value {
    typealias Call = @convention(c) (UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<UInt32>) -> Int32
    guard let get = dlsym(nil, "capget"), let set = dlsym(nil, "capset") else { preconditionFailure("no capset") }
    let (read, write) = (unsafeBitCast(get, to: Call.self), unsafeBitCast(set, to: Call.self))
    // The calls' version 3, and this thread; then for each half of the capabilities what is effective, permitted and inheritable.
    var header: [UInt32] = [0x2008_0522, 0]
    var former = [UInt32](repeating: 0, count: 6)
    precondition(read(&header, &former) == 0, "capget: \(errno)")
    var fewer = former
    // CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
    fewer[0] &= ~(1 << 1 | 1 << 2)
    precondition(write(&header, &fewer) == 0, "capset: \(errno)")
    defer { precondition(write(&header, &former) == 0, "capset: \(errno)") }
    return try body()
}
