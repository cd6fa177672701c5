#!/bin/sh
# first-sync.sh PROVIDER: shows how far the first sync of the provider, an object path, is.
name=org.dmclient.DMClient1

busctl --system get-property $name "$1/FirstSyncStatus" $name.Progress Phase Categories Deadline
