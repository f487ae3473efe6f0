import Glibc
import Terms
public import WorkerKit

/// The clients of one version: their bytes become commands on its store.
///
/// It keeps nothing about a client, so there is nothing to hand over but the bytes that WorkerKit keeps.
public final class RedisHandler<Store: KeyValueStore>: ConnectionHandler {
    public var executor: CommandExecutor<Store>
    let context: WorkerContext
    private var parser: RESPParser
    private var reply = RESPReply()
    private var server: ServerInfo
    private var listener: TCPServer?
    /// Called after a command while there are keys that will expire.
    var whileKeysExpire: () -> Void = {}

    init(executor: CommandExecutor<Store>, vsn: String, context: WorkerContext) throws {
        self.executor = executor
        self.context = context
        var limits = RESPLimits()
        // In sys.config, by the name that Redis has for it, in bytes.
        if let bytes = context.environment["proto_max_bulk_len"]?.asInt { limits.maxBulkBytes = max(1024, bytes) }
        parser = RESPParser(limits: limits)
        server = ServerInfo(
            release: context.release, vsn: vsn, generation: context.generation, pid: getpid(),
            startedAt: wallClockMilliseconds(), connections: 0)
        // What is not whole is kept up to the largest argument and a little more; Redis has no bound but memory.
        listener = try context.serve(
            socket: "redis", with: self,
            limits: ConnectionLimits(maxInputBytes: limits.maxBulkBytes + (1 << 20)))
    }

    public func receive(
        _ input: UnsafeRawBufferPointer, from connection: Connection, output: inout [UInt8]
    ) throws -> Int {
        do throws(RESPError) {
            guard case .request(let bytes) = try parser.next(input) else { return 0 }
            server.connections = listener?.connectionCount ?? 0
            // Lent to the reply and back, so that answers are written where they are sent from.
            swap(&reply.bytes, &output)
            let afterwards = executor.execute(
                Invocation(
                    arguments: parser.arguments, now: wallClockMilliseconds(), server: server, modules: context.modules),
                into: &reply)
            swap(&reply.bytes, &output)
            if executor.store.expiringCount > 0 { whileKeysExpire() }
            if afterwards == .close { close(connection, &output) }
            return bytes
        } catch {
            swap(&reply.bytes, &output)
            reply.error(error.text)
            swap(&reply.bytes, &output)
            close(connection, &output)
            return input.count
        }
    }

    /// Sends the answers up to here and closes.
    private func close(_ connection: Connection, _ output: inout [UInt8]) {
        connection.write(output)
        output.removeAll(keepingCapacity: true)
        connection.close()
    }
}

/// Milliseconds since 1970.
public func wallClockMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
