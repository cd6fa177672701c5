#!/bin/sh
# sync.sh PROVIDER: has a session run with the server of the provider, an object path, and waits for
# its end.
name=org.dmclient.DMClient1

busctl --system --timeout=900 call $name /org/dmclient/DMClient1 $name.Manager \
    Sync 'oa{sv}' "$1" 1 wait b true
