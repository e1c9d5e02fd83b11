#!/bin/sh
# Playwright makes Firefox end as a whole when one of its processes crashes; these tests crash tabs.
unset MOZ_CRASHREPORTER MOZ_CRASHREPORTER_SHUTDOWN
MOZ_CRASHREPORTER_DISABLE=1 exec "$ONESOCKET_FIREFOX" "$@"
