import Host
import ReleaseHandling
import Supervision
import Terms
import Wire

/// A place outside of the tree for one standby, which shows that its code can start here and is ended.
///
/// No socket is bound for it, since a standby reads nothing from any.
@HostActor
struct Probe {
    let place: Place
    private let watch: ProbeWatch

    init(of module: Atom, in application: Atom, _ spec: ChildSpec, _ tree: TreeDriver) {
        var spec = spec
        spec.sockets = []
        place = Place(
            address: ChildAddress(application: application, path: [.atom("probe"), .atom(module)]), spec: spec,
            launcher: tree.launcher, observer: tree)
        watch = ProbeWatch(place)
    }

    func end() {
        watch.end()
        place.endStandby()
    }
}
