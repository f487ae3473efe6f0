import Foundation

/// The package's own sources, read as text for the rules that the compiler does not hold.
enum SourceTree {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    struct File: CustomStringConvertible {
        let path: String
        let lines: [String]
        var description: String { path }
    }

    /// The Swift files below a folder of the package, by path.
    static func files(below folder: String) throws -> [File] {
        let base = root.appending(path: folder)
        guard let walk = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else {
            throw CocoaError(.fileNoSuchFile)
        }
        var found: [File] = []
        for case let url as URL in walk where url.pathExtension == "swift" {
            let text = try String(contentsOf: url, encoding: .utf8)
            let path = String(url.path.dropFirst(root.path.count + 1))
            found.append(File(path: path, lines: text.components(separatedBy: "\n")))
        }
        return found.sorted { $0.path < $1.path }
    }

    /// The modules that a file imports, whatever the access level or attribute before the word.
    static func imports(of file: File) -> Set<String> {
        var modules: Set<String> = []
        for line in file.lines {
            let words = line.split(separator: " ").map(String.init)
            guard let at = words.firstIndex(of: "import"), at + 1 < words.count else { continue }
            let before = words[..<at]
            let modifiers: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
            guard before.allSatisfy({ modifiers.contains($0) || $0.hasPrefix("@") }) else { continue }
            let kinds: Set<String> = ["struct", "class", "enum", "protocol", "func", "var", "typealias"]
            let name = kinds.contains(words[at + 1]) && at + 2 < words.count ? words[at + 2] : words[at + 1]
            modules.insert(String(name.split(separator: ".")[0]))
        }
        return modules
    }

    /// A line without its comment and without what stands in string literals.
    static func code(of line: String) -> String {
        var out = ""
        var inString = false
        var previous: Character = " "
        for character in line {
            if character == "\"" && previous != "\\" { inString.toggle() }
            if !inString {
                out.append(character)
                if out.hasSuffix("//") { return String(out.dropLast(2)) }
            }
            previous = character
        }
        return out
    }
}
