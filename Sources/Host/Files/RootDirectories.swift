import Glibc
public import Instructions

/// The directories of a release root by what they lead to: RELEASES may name one absolutely, through a link, or with a
/// slash at its end, and all that compare them need one form.
public struct RootDirectories: Sendable {
    /// Absolute, as it is spelled and as it is without links.
    private let roots: [String]

    public init(_ root: String) {
        let spelled = RootDirectory.normalised(root)
        roots = [spelled] + (FileNames.withoutLinks(root).map { [$0] } ?? [])
    }

    /// Relative to the root for what lies in it, normalised; absolute for what does not.
    public func form(_ directory: String) -> String {
        let whole = RootDirectory.normalised(directory)
        // A link on its way is the root's own affair.
        if RootDirectory.isInside(whole) { return whole }
        if !RootDirectory.climbs(whole), let short = relative(whole) { return short }
        let absolute = path(whole)
        let (parent, name) = Paths.split(absolute)
        if name == ".." { return FileNames.withoutLinks(absolute).flatMap(relative) ?? whole }
        guard let parent = FileNames.withoutLinks(parent) else { return whole }
        if let short = relative("\(parent == "/" ? "" : parent)/\(name)") { return short }
        // The libraries may be on another disk, and named as they lie there.
        return parent == FileNames.withoutLinks(path("lib")) ? "lib/\(name)" : whole
    }

    /// What a directory is, whatever links and spelling lead there: the same for the same.
    public func identity(_ directory: String) -> String {
        let absolute = path(RootDirectory.normalised(directory))
        if let real = FileNames.withoutLinks(absolute) { return real }
        let (parent, name) = Paths.split(absolute)
        return FileNames.withoutLinks(parent).map { "\($0 == "/" ? "" : $0)/\(name)" } ?? absolute
    }

    public func withForms(_ file: ReleasesFile) -> ReleasesFile {
        var file = file
        for release in file.releases.indices {
            for library in file.releases[release].libraries.indices {
                let directory = file.releases[release].libraries[library].directory
                file.releases[release].libraries[library].directory = form(directory)
            }
        }
        return file
    }

    private func path(_ directory: String) -> String {
        directory.hasPrefix("/") ? directory : "\(roots[0] == "/" ? "" : roots[0])/\(directory)"
    }

    private func relative(_ directory: String) -> String? {
        for root in roots {
            if let short = RootDirectory.relative(directory, to: root) { return short }
        }
        return nil
    }
}
