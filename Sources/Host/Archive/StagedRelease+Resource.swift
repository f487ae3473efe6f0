public import Instructions

extension StagedRelease {
    /// What the package says that it is. Its `.rel`, which may lie at `releases/NAME.rel`, as OTP packs it, is put where it is read from then on,
    /// `releases/VSN/NAME.rel`, unless it is there.
    ///
    /// - Returns: nil where there is none.
    public func placedResource() throws -> ReleaseResource? {
        guard let first = releaseResourceFile else { return nil }
        let bytes = try FileContents.read("\(directory)/\(first)", limit: RootState.maxFileBytes)
        let resource = try ReleaseResource.parse(bytes, file: first)
        let parent = "\(directory)/releases/\(resource.vsn)"
        let place = "\(parent)/\(resource.name).rel"
        if !FileNames.exists(place) {
            try Directory.make(parent, permissions: ConfidentialFiles.directoryMode)
            try AtomicFile.write(
                place, Array(resource.text().utf8), permissions: ConfidentialFiles.fileMode, groupOf: parent)
        }
        return resource
    }
}
