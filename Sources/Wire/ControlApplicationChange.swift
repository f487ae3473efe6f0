/// The body of `POST /v1/applications/{application}/upgrade`. Source: OTP release_handler(3), `upgrade_app/2`.
public struct UpgradeApplicationRequest: Hashable, Sendable, Codable {
    /// The absolute path of the directory of the new version, in which `ebin` lies.
    public var directory: String
    public init(directory: String) { self.directory = directory }
}

/// The body of `POST /v1/applications/{application}/downgrade`. Source: OTP release_handler(3), `downgrade_app/2,3`.
public struct DowngradeApplicationRequest: Hashable, Sendable, Codable {
    /// The absolute path of the directory of the older version.
    public var directory: String
    /// Without it, what the directory's name says: `APP-VSN`.
    public var vsn: String?

    public init(directory: String, vsn: String? = nil) {
        self.directory = directory
        self.vsn = vsn
    }
}

/// The body of `POST /v1/applications/{application}/eval-appup-script`. Source: OTP release_handler(3), `eval_appup_script/4`.
public struct EvalAppupScriptRequest: Hashable, Sendable, Codable {
    /// The version that is reached.
    public var vsn: String
    /// The absolute path of its directory.
    public var directory: String
    /// Low-level instructions, a term as text.
    public var script: String

    public init(vsn: String, directory: String, script: String) {
        self.vsn = vsn
        self.directory = directory
        self.script = script
    }
}

extension UpgradeApplicationRequest: ControlBody {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["directory"], "additionalProperties": false, "properties": {
          "directory": {"type": "string", "description": "absolute; the new version's, in which ebin lies"}}}
        """#
    }

    public static var example: String { #"{"directory":"/srv/kv-2.0.0"}"# }

    public func check() throws(ControlError) { try requireAbsolute(directory, "the directory") }
}

extension DowngradeApplicationRequest: ControlBody {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["directory"], "additionalProperties": false, "properties": {
          "directory": {"type": "string", "description": "absolute; the older version's, in which ebin lies"},
          "vsn": {"type": "string", "description": "absent: what the directory's name says, APP-VSN"}}}
        """#
    }

    public static var example: String { #"{"directory":"/srv/kv-1.0.0","vsn":"1.0.0"}"# }

    public func check() throws(ControlError) { try requireAbsolute(directory, "the directory") }
}

extension EvalAppupScriptRequest: ControlBody {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["vsn", "directory", "script"], "additionalProperties": false, "properties": {
          "vsn": {"type": "string", "description": "the version that is reached"},
          "directory": {"type": "string", "description": "absolute; that version's, in which ebin lies"},
          "script": {"type": "string", "description": "a list of low-level instructions, a term as text"}}}
        """#
    }

    public static var example: String {
        #"{"vsn":"2.0.0","directory":"/srv/kv-2.0.0","script":"[point_of_no_return]"}"#
    }

    public func check() throws(ControlError) { try requireAbsolute(directory, "the directory") }
}
