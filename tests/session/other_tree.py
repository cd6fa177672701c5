# SPDX-License-Identifier: MIT
"""A small tree of another module behind a socket of its own (protocol.md section 7), which speaks
the same calls: leaves by LocURI, all or nothing in an Atomic."""

from fake_tree import FakeTree

ADD, GET, REPLACE, DELETE, EXEC, ATOMIC, SEQUENCE = range(1, 8)
FORMAT_CHR = 0


class OtherTree(FakeTree):
    """`leaves` is {LocURI: value}. `batches` has (session, message, provider, uid, [(verb, LocURI,
    data), …]) of each Apply. `on_apply()` is called before one is answered."""

    def __init__(self, path):
        self.leaves = {}
        self.batches = []
        self.statuses = {}  # of LocURIs that are answered so, whatever is done
        self.on_apply = lambda: None
        super().__init__(path, {})

    def die(self):
        """Ends as when its process is killed; from on_apply(), whose answer is lost."""
        for connection in self._open:
            connection.close_sync(None)
        self._loop.quit()

    def _Apply(self, session, message, provider, uid, commands):
        self.batches.append((session, message, provider, uid,
                             [(verb, uri, data) for verb, _span, uri, _format, _has, data
                              in commands]))
        self.on_apply()
        results = []
        self._run_all(commands, results)
        return (results, False)

    def _run_all(self, commands, results):
        index = 0
        while index < len(commands):
            verb, span, uri, _format, _has_data, data = commands[index]
            inside = commands[index + 1:index + 1 + span]
            if verb == ATOMIC:
                self._run_atomic(inside, results)
            elif verb == SEQUENCE:
                results.append((200, []))
                self._run_all(inside, results)
            else:
                results.append(self._run_one(verb, uri, data))
            index += 1 + span

    def _run_atomic(self, inside, results):
        before, answers = dict(self.leaves), []
        self._run_all(inside, answers)
        if all(status < 300 for status, _ in answers):
            results.extend([(200, [])] + answers)
            return
        self.leaves = before
        results.extend([(507, [])] + [(216 if status < 300 else status, items)
                                      for status, items in answers])

    def _run_one(self, verb, uri, data):
        if uri in self.statuses:
            return (self.statuses[uri], [])
        if verb == GET and uri in self.leaves:
            return (200, [(uri, FORMAT_CHR, True, self.leaves[uri])])
        if verb in (GET, DELETE) and uri not in self.leaves:
            return (404, [])
        if verb == DELETE:
            del self.leaves[uri]
        elif verb in (ADD, REPLACE):
            self.leaves[uri] = data
        return (200, [])
