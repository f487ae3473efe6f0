import KeyValueCore
import WorkerKit

WorkerMain.run(KeyValueServerV2.self)
