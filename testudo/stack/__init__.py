"""The embedded servers and their supervision, for `bin/run` and `bin/test`.

`home` keeps secrets and ports; `postgres` and `valkey` run the servers from their wheels;
`supervise` starts, watches and stops every process; `check` does the main job once.
"""
