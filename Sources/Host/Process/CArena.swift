import Glibc

/// Memory in C's shapes for one call: all of it goes when the arena goes.
final class CArena {
    private var allocations: [UnsafeMutableRawPointer] = []

    deinit { for allocation in allocations { allocation.deallocate() } }

    /// A copy that ends in NUL. What follows a NUL within the string is not seen by C.
    func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { (copy + index).initialize(to: byte) }
        allocations.append(UnsafeMutableRawPointer(copy))
        return copy
    }

    func strings(_ texts: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        pointers(texts.map(string))
    }

    /// The pointers, then NULL.
    func pointers(_ elements: [UnsafeMutablePointer<CChar>]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        let copy = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: elements.count + 1)
        for (index, element) in elements.enumerated() { (copy + index).initialize(to: element) }
        (copy + elements.count).initialize(to: nil)
        allocations.append(UnsafeMutableRawPointer(copy))
        return copy
    }

    func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element> {
        let copy = UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1))
        for (index, element) in elements.enumerated() { (copy + index).initialize(to: element) }
        allocations.append(UnsafeMutableRawPointer(copy))
        return UnsafePointer(copy)
    }
}
