#!/bin/sh
# Prints the help contacts of each provider that manages this device.
name=org.dmclient.DMClient1

busctl --system get-property $name /org/dmclient/DMClient1 $name.Manager Providers |
    grep -o '"[^"]*"' | tr -d '"' |
    while read -r provider; do
        echo "$provider"
        for contact in HelpPhoneNumber HelpWebsite HelpEmailAddress; do
            # One that is not set is an error, ….Error.NotFound.
            busctl --system get-property $name "$provider" $name.Provider $contact 2>/dev/null
        done
    done
