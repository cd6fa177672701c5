#!/bin/sh
# Shows every change as it happens. busctl's monitor is for root; for everyone:
#   gdbus monitor --system --dest org.dmclient.DMClient1
exec busctl --system monitor --match "type='signal',sender='org.dmclient.DMClient1'"
