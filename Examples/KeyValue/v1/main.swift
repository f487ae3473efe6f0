import KeyValueCore
import WorkerKit

WorkerMain.run(KeyValueServerV1.self)
