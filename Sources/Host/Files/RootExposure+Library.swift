extension RootExposure {
    /// The same of an application's directory that need not be in a root: the directory, what stands in it, in its `ebin` and in its `priv`, and the
    /// directories above it, where who may write can put another one in its place.
    ///
    /// - Returns: the refused ones first; none where there is no such directory.
    public static func found(inLibrary directory: String) -> [RootExposure] {
        guard let real = FileNames.withoutLinks(directory) else { return [] }
        let inner = [real] + [real, "\(real)/ebin", "\(real)/priv"].flatMap { paths(in: $0) }
        return refusedFirst(above(directory) + inner.compactMap { exposure(of: $0) })
    }
}
