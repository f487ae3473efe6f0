import Foundation
import Glibc
import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// nginx and redis-server as Debian ships them, supervised.
@Suite(.timeLimit(.minutes(15))) struct RealProgramTests {
    static let nginx = "/usr/sbin/nginx"
    static let redis = "/usr/bin/redis-server"

    /// nginx takes a listening socket over by the variable that it uses for its own upgrades; its worker processes go with
    /// the master's group, and what connects meanwhile waits in the daemon's socket.
    @Test(.enabled(if: access(nginx, X_OK) == 0)) func nginxOnASocketOfTheDaemon() async throws {
        let root = try TestRoot()
        let directory = root.directory
        try root.install(vsn: "1.0.0")
        try root.write(
            "nginx.conf",
            """
            daemon off; pid \(directory)/nginx.pid; worker_processes 2;
            events { worker_connections 64; }
            http {
              access_log off; client_body_temp_path \(directory)/body; proxy_temp_path \(directory)/proxy;
              fastcgi_temp_path \(directory)/fastcgi; uwsgi_temp_path \(directory)/uwsgi; scgi_temp_path \(directory)/scgi;
              server { listen unix:\(directory)/web; return 200 "served by $pid\\n"; }
            }
            """)
        try root.release(
            "1.0.0",
            children: """
                [#{id => nginx, start => {os, start, ["\(Self.nginx)", "-e", "stderr", "-c", "\(root.root)/nginx.conf"]},
                   modules => [], sockets => [#{name => web, listen => "\(directory)/web"}], env => [{"NGINX", "3;"}]}]
                """)
        try root.register(["1.0.0"])
        try await TestNode.with(root) { test async throws in
            let worker = "fix/fix_sup/nginx"
            let answer = try await Self.get("\(directory)/web")
            #expect(answer.hasPrefix("HTTP/1.1 200 OK"), "\(answer)")
            #expect(answer.contains("served by "))
            let master = try await test.pid(worker)
            kill(master, SIGKILL)
            let exit = try await test.events.first("worker_exited", worker: worker)
            #expect(exit.fields["reason"] == "{signal,sigkill}")
            let again = try await Self.get("\(directory)/web")
            #expect(again.hasPrefix("HTTP/1.1 200 OK"), "\(again)")
            #expect(try await test.pid(worker) != master)
            #expect(try ProcessGroup.alive(master) == [])
        }
    }

    /// Debian's redis-server tells the service manager when it is ready, and at what it is.
    @Test(.enabled(if: access(redis, X_OK) == 0)) func redisServerSaysWhenItIsReady() async throws {
        let root = try TestRoot()
        let socket = "\(root.directory)/redis"
        try root.install(vsn: "1.0.0")
        try root.release(
            "1.0.0",
            children: """
                [#{id => redis, modules => [], notify => true, cwd => "\(root.directory)",
                   start => {os, start, ["\(Self.redis)", "--port", "0", "--unixsocket", "\(socket)", "--save", "",
                                         "--supervised", "systemd", "--daemonize", "no"]}}]
                """)
        try root.register(["1.0.0"])
        try await TestNode.with(root) { test async throws in
            let worker = "fix/fix_sup/redis"
            // It was ready when the boot was done: no waiting, no second try.
            let set = try await Program.run("/usr/bin/redis-cli", ["-s", socket, "SET", "key", "value"])
            #expect(set.output == "OK\n")
            #expect(try await test.ps(worker).status == "Ready to accept connections")
            let pid = try await test.pid(worker)
            kill(pid, SIGKILL)
            let exit = try await test.events.first("worker_exited", worker: worker)
            _ = try await test.events.first("worker_started", worker: worker, after: exit.sequence)
            let get = try await Program.run("/usr/bin/redis-cli", ["-s", socket, "PING"])
            #expect(get.output == "PONG\n")
            #expect(try await test.ps(worker).restarts == 1)
        }
    }

    /// The whole answer of an HTTP server at a unix socket.
    private static func get(_ path: String) async throws -> String {
        let script = """
            import socket, sys
            peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            peer.connect(sys.argv[1])
            peer.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
            sys.stdout.write(b"".join(iter(lambda: peer.recv(65536), b"")).decode())
            """
        return try await Program.run("/usr/bin/python3", ["-c", script, path]).output
    }
}
