# SPDX-License-Identifier: MIT
"""Scripts of the test server: scripts/README.md says what may stand in them."""

import json
import string

STEP_KEYS = frozenset((
    "comment", "commands", "final", "header", "statuses", "extra_statuses", "header_status",
    "xmlns", "body", "empty", "refused", "may_abort", "http", "fault", "delay_s", "event",
    "on_request", "seal"))


class Script:
    """For each session its steps; a session beyond the last one plays that again."""

    def __init__(self, sessions):
        if not sessions:
            raise ValueError("a script has at least one session")
        for step in (step for session in sessions for step in session if not callable(step)):
            unknown = set(step) - STEP_KEYS
            if unknown:
                raise ValueError(f"a step has no {', '.join(sorted(unknown))}; it may have "
                                 f"{', '.join(sorted(STEP_KEYS))}")
        self.sessions = sessions

    @classmethod
    def of(cls, what, values=None):
        """Of a path, a list of steps, or a dict with `sessions` and `defaults`."""
        if isinstance(what, cls):
            return what
        if isinstance(what, str):
            with open(what, encoding="utf-8") as file:
                text = file.read()
            defaults = json.loads(text).get("defaults", {})
            escaped = {name: json.dumps(value)[1:-1]
                       for name, value in {**defaults, **(values or {})}.items()}
            what = json.loads(string.Template(text).substitute(escaped))
        return cls([what] if isinstance(what, list) else what["sessions"])

    def get_step(self, session, index):
        """Step `index` of session number `session` (from 1); beyond the last step only Statuses
        follow, which ends a session."""
        steps = self.sessions[min(session, len(self.sessions)) - 1]
        return steps[index] if index < len(steps) else {}
