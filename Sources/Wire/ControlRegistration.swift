/// The body of `POST /v1/releases/set-unpacked`. Source: OTP release_handler(3), `set_unpacked/2`.
public struct SetUnpackedRequest: Hashable, Sendable, Codable {
    /// Where an application lies that is not in the root's `lib`: in `DIRECTORY/NAME-VSN`.
    public struct ApplicationDirectory: Hashable, Sendable, Codable {
        public var name: String
        public var vsn: String
        /// Absolute.
        public var directory: String

        public init(name: String, vsn: String, directory: String) {
            self.name = name
            self.vsn = vsn
            self.directory = directory
        }
    }

    /// The absolute path of a `.rel` that the daemon can read.
    public var releaseFile: String
    public var applications: [ApplicationDirectory]

    public init(releaseFile: String, applications: [ApplicationDirectory] = []) {
        self.releaseFile = releaseFile
        self.applications = applications
    }

    private enum CodingKeys: String, CodingKey {
        case releaseFile = "rel_file"
        case applications
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        releaseFile = try container.decode(String.self, forKey: .releaseFile)
        applications = try container.decodeIfPresent([ApplicationDirectory].self, forKey: .applications) ?? []
    }
}

/// The body of `POST /v1/releases/{vsn}/files`. Source: OTP release_handler(3), `install_file/2`.
public struct InstallFileRequest: Hashable, Sendable, Codable {
    /// The absolute path of a file that the daemon can read; it keeps its name.
    public var file: String
    public init(file: String) { self.file = file }
}

/// The answer to `POST /v1/releases/{vsn}/files`.
public struct InstalledFile: Hashable, Sendable, Codable {
    /// Relative to the root: `releases/2.0.0/relup`.
    public var file: String
    public init(file: String) { self.file = file }
}

extension SetUnpackedRequest: ControlBody {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["rel_file"], "additionalProperties": false, "properties": {
          "rel_file": {"type": "string", "description": "the absolute path of a .rel that the daemon can read"},
          "applications": {"type": "array", "description": "those that are not in the root's lib", "items": {
            "type": "object", "required": ["name", "vsn", "directory"], "properties": {
            "name": {"type": "string"}, "vsn": {"type": "string"},
            "directory": {"type": "string", "description": "absolute; NAME-VSN lies in it"}}}}}}
        """#
    }

    public static var example: String {
        #"{"rel_file":"/srv/kv-2.0.0/kv.rel","applications":[{"name":"kv","vsn":"2.0.0","directory":"/opt/lib"}]}"#
    }

    public func check() throws(ControlError) {
        try requireAbsolute(releaseFile, "the .rel")
        for application in applications { try requireAbsolute(application.directory, "the directory") }
    }
}

extension InstallFileRequest: ControlBody {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["file"], "additionalProperties": false, "properties": {
          "file": {"type": "string", "description": "the absolute path of a file that the daemon can read"}}}
        """#
    }

    public static var example: String { #"{"file":"/srv/kv-2.0.0/relup"}"# }

    public func check() throws(ControlError) { try requireAbsolute(file, "the file") }
}

extension InstalledFile: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["file"], "additionalProperties": false, "properties": {
          "file": {"type": "string", "description": "where it is now, relative to the root"}}}
        """#
    }
}

/// The daemon has a working directory of its own.
func requireAbsolute(_ path: String, _ what: String) throws(ControlError) {
    guard path.hasPrefix("/"), !path.utf8.contains(0) else {
        throw ControlError(.badRequest, "\(path.debugDescription) is no absolute path: name \(what) by one")
    }
}
