/// `bin/start` of a release root: scripts/start, which a test holds to be the same.
enum StartScript {
    static let text = #"""
        #!/bin/sh
        # Starts the emulator of the permanent release. Lies in ROOT/bin/start; arguments are passed on.
        #
        # releases/start_erl.data holds "ERTSVSN RELVSN". The daemon reads RELVSN there itself. Where the file is gone, empty or damaged, RELEASES says
        # which emulator it is, or else any that is there is started: the daemon finds out what boots, and executes another one where that is for it.
        set -eu

        root=$(cd "$(dirname "$0")/.." && pwd)
        data="$root/releases/start_erl.data"
        releases="$root/releases/RELEASES"

        program() { [ -n "$1" ] && [ -x "$root/erts-$1/bin/release-handlerd" ]; }

        erts=
        if [ -r "$data" ]; then read -r erts _ < "$data" || :; fi
        if ! program "$erts"; then
            named=$erts
            # {release, "NAME", "VSN", "ERTSVSN", [...], permanent}, each release on a line.
            if [ -r "$releases" ]; then
                erts=$(tr '\n' ' ' < "$releases" | sed 's/{release,/\n&/g' | sed -n \
                    's/^{release, *"[^"]*", *"[^"]*", *"\([^"]*\)", *\[.*\], *permanent *}.*/\1/p' | head -n 1)
            fi
            if ! program "$erts"; then
                erts=
                for directory in "$root"/erts-*; do
                    if program "${directory#"$root/erts-"}"; then erts=${directory#"$root/erts-"}; fi
                done
            fi
            if [ -z "$erts" ]; then
                echo "start: there is no $root/erts-${named:-VSN}/bin/release-handlerd" >&2
                exit 1
            fi
            if [ -n "$named" ]; then named="erts-$named, which is not there"; fi
            echo "start: $data names ${named:-no emulator}; starting erts-$erts" >&2
        fi
        exec "$root/erts-$erts/bin/release-handlerd" --root "$root" "$@"

        """#
}
