#!/bin/sh
# history.sh PROVIDER: shows the last five sessions of the provider, an object path.
name=org.dmclient.DMClient1

busctl --system --json=pretty call $name "$1" $name.Session GetHistory 'ua{sv}' 5 0
